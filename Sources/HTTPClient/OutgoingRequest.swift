/// What is asked of another server.
package struct OutgoingRequest: Sendable {
    package var method: String
    /// Absolute, http or https.
    package var url: String
    package var fields: [(name: String, value: String)]
    package var body: [UInt8]?
    /// Names of fields that only the server of `url` gets to see, in lower case: a redirect to another one goes without them.
    package var confidentialFields: Set<String> = []
    /// Whether an operator has chosen the server: then it may be at any address.
    package var isOperators = false

    package init(method: String, url: String, fields: [(name: String, value: String)] = [], body: [UInt8]? = nil) {
        self.method = method
        self.url = url
        self.fields = fields
        self.body = body
    }

    /// Fields that say who asks.
    package static let credentialFields: Set<String> = ["authorization", "cookie", "proxy-authorization"]

    /// The request that follows a redirect (RFC 9110, 15.4).
    func redirected(to url: String, status: Int, isSameServer: Bool) -> OutgoingRequest {
        var next = self
        next.url = url
        let becomesGet = status == 303 && method != "HEAD" || (301...302).contains(status) && method == "POST"
        if becomesGet {
            (next.method, next.body) = ("GET", nil)
            next.fields.removeAll { $0.name.lowercased().hasPrefix("content-") }
        }
        if !isSameServer {
            let confidential = confidentialFields.union(Self.credentialFields).union(["host"])
            next.fields.removeAll { confidential.contains($0.name.lowercased()) }
        }
        return next
    }
}

/// How a response begins.
package struct ReceivedHead: Sendable, Equatable {
    package var status: Int
    /// In the order in which they came, names in lower case.
    package var fields: [Field] = []

    package struct Field: Sendable, Equatable {
        package let name: String
        package let value: String

        package init(name: String, value: String) {
            self.name = name
            self.value = value
        }
    }

    package init(status: Int, fields: [Field] = []) {
        self.status = status
        self.fields = fields
    }

    /// The value of the first field of a name in lower case.
    package subscript(name: String) -> String? { fields.first { $0.name == name }?.value }
}

/// Takes what comes of a request. All is called on the client's thread: short, and never blocking.
package protocol TransferReceiver: AnyObject, Sendable {
    /// The head of the response, redirects behind it.
    func began(_ head: ReceivedHead)
    /// A piece of the body, decoded.
    /// - Returns: false to end the transfer, which ends as `refused` then.
    func took(_ bytes: UnsafeRawBufferPointer) -> Bool
    /// The last call. Nil: the response is whole.
    func ended(_ error: TransferError?)
}
