import HTTP

extension APIClient {
    /// Waits for the head of an answer.
    /// - Throws: `elsewhere` where it does not come from a daemon but says where that is.
    func head(
        _ exchange: inout Exchange, of request: ClientRequest, _ deadline: Int64
    ) throws(ClientError) -> ResponseParser.Head {
        let head: ResponseParser.Head
        do throws(ClientError) {
            switch try exchange.next(deadlineNanoseconds: deadline) {
            case .head(let next): head = next
            case .timedOut: throw .timedOut(milliseconds: timeoutMilliseconds)
            case .body, .end: preconditionFailure("a response begins with its head")
            }
        } catch {
            switch error {
            case .malformed where isSecureInstead, .connectionLost where isSecureInstead:
                throw .elsewhere(address.description, try: address.secure)
            default: throw error
            }
        }
        if let other = redirect(head, request) { throw .elsewhere(address.description, try: other) }
        if head.status == 400, !Self.isProblem(head), isSecureInstead {
            throw .elsewhere(address.description, try: address.secure)
        }
        return head
    }

    /// Whether only TLS is spoken where a plain request was sent: such a port answers in many ways, or not at all.
    private var isSecureInstead: Bool {
        guard !address.isSecure, !address.isUnix else { return false }
        let deadline = Poll.deadline(inMilliseconds: Self.connectTimeoutMilliseconds)
        return SecureConnection.isSpoken(at: address, deadlineNanoseconds: deadline, interrupt: interruptDescriptor)
    }

    private static func isProblem(_ head: ResponseParser.Head) -> Bool {
        head.headers["content-type"].flatMap { MediaType($0) }?.essence == MediaType.problemJSON.essence
    }

    /// The address that a redirect leads to, without the path of the request.
    private func redirect(_ head: ResponseParser.Head, _ request: ClientRequest) -> String? {
        guard 300..<400 ~= head.status.code, let location = head.headers["location"],
            let place = location.firstMatch(of: /https?:\/\/[^\/?#]+/)?.0, location.hasPrefix(place)
        else { return nil }
        let path = location.split(separator: "?", maxSplits: 1).first ?? ""
        let base = path.hasSuffix(request.pathText) ? path.dropLast(request.pathText.count) : place
        return ServerAddress(String(base))?.description
    }
}
