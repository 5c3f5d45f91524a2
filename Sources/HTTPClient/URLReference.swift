import CCurl
import Linux

/// An absolute http or https URL, read by libcurl as it reads those that it connects to: nothing is seen otherwise here and there.
final class URLReference {
    let handle: OpaquePointer
    let scheme: String
    /// In lower case; a name in ASCII, an address of IPv6 without brackets.
    let host: String
    let port: UInt16

    convenience init(_ text: String) throws(TransferError) {
        guard let handle = curl_url() else { throw .stopped("libcurl cannot be used") }
        try self.init(handle, text)
    }

    /// Takes the handle over, and reads the text over what it holds.
    private init(_ handle: OpaquePointer, _ text: String) throws(TransferError) {
        let code = curl_url_set(handle, CURLUPART_URL, text, 0)
        let scheme = Self.part(handle, CURLUPART_SCHEME)?.lowercased() ?? ""
        guard code == CURLUE_OK, let host = Self.part(handle, CURLUPART_HOST, UInt32(CURLU_PUNYCODE)),
            let port = Self.part(handle, CURLUPART_PORT, UInt32(CURLU_DEFAULT_PORT)).flatMap({ UInt16($0) }), port > 0,
            ["http", "https"].contains(scheme)
        else {
            curl_url_cleanup(handle)
            let isOther = code == CURLUE_OK && !["http", "https"].contains(scheme)
            throw .badURL(Self.reason(code, isOther: isOther))
        }
        self.handle = handle
        self.scheme = scheme
        self.host = host.hasPrefix("[") ? String(host.dropFirst().dropLast()) : host.lowercased()
        self.port = port
    }

    deinit { curl_url_cleanup(handle) }

    private static func reason(_ code: CURLUcode, isOther: Bool) -> String {
        switch code {
        case CURLUE_OK where !isOther: "names no host, or a bad port"
        case CURLUE_OK, CURLUE_UNSUPPORTED_SCHEME: "must begin with http:// or https://"
        default: "cannot be read: \(String(cString: curl_url_strerror(code)))"
        }
    }

    private static func part(_ handle: OpaquePointer, _ part: CURLUPart, _ flags: UInt32 = 0) -> String? {
        var text: UnsafeMutablePointer<CChar>?
        guard curl_url_get(handle, part, &text, flags) == CURLUE_OK, let text else { return nil }
        defer { curl_free(text) }
        return String(cString: text)
    }

    /// Where a `Location` leads (RFC 3986, 5).
    func resolving(_ reference: String) throws(TransferError) -> URLReference {
        guard let copy = curl_url_dup(handle) else { throw .stopped("libcurl cannot be used") }
        return try URLReference(copy, reference)
    }

    /// The whole of it, without a fragment.
    var text: String { Self.part(handle, CURLUPART_URL) ?? "" }

    /// The address, where the host is none by name.
    var address: SocketAddress? {
        host == "localhost" ? nil : SocketAddress(host: host, port: port)
    }

    func isSameServer(as other: URLReference) -> Bool {
        (scheme, host, port) == (other.scheme, other.host, other.port)
    }
}

/// What the schema of a document cannot say of a URL.
package enum URLCheck {
    /// What is wrong with a URL, or nil.
    package static func fault(_ text: String) -> String? {
        do {
            _ = try URLReference(text)
            return nil
        } catch {
            return "\(error)"
        }
    }
}
