/// How the end of a request's body is found (RFC 9112, 6.3). All doubt is refused: what two readers could understand in
/// two ways is how requests are smuggled past one of them.
enum BodyFraming: Equatable {
    case none
    case length(Int)
    case chunked

    init(version: Version, headers: HeaderFields, bodyBytesMax: Int) throws(RequestFault) {
        switch (headers.occurrence(of: "transfer-encoding"), headers.occurrence(of: "content-length")) {
        case (.none, .none):
            self = .none
        case (.none, .once(let value)):
            let length = try headers.withBytes(value, Self.length).get()
            guard length <= bodyBytesMax else { throw .bodyTooLarge(bodyBytesMax) }
            self = length == 0 ? .none : .length(length)
        case (.none, .repeated):
            throw .repeatedContentLength
        case (let encoding, .none):
            guard version == .http11 else { throw .transferEncodingInOldVersion }
            guard case .once(let value) = encoding else { throw .repeatedTransferEncoding }
            try headers.withBytes(value, Self.checkCoding).get()
            self = .chunked
        case (.once, _), (.repeated, _):
            throw .bothLengths
        }
    }

    private static func checkCoding(_ value: UnsafeRawBufferPointer?) -> Result<Void, RequestFault> {
        guard let value, !value.isEmpty else { return .failure(.invalidTransferEncoding) }
        if value.equalsIgnoringCase("chunked") { return .success(()) }
        // A single token is a coding that we do not know; anything else is a list or broken.
        let isToken = ByteSet.token.containsAll(value)
        return .failure(isToken ? .unsupportedTransferCoding : .invalidTransferEncoding)
    }

    /// Int.max where the digits do not fit: too large, but well formed.
    static func length(_ value: UnsafeRawBufferPointer?) -> Result<Int, RequestFault> {
        guard let value, !value.isEmpty, value.allSatisfy(ASCII.isDigit) else {
            return .failure(.invalidContentLength)
        }
        return .success(ASCII.decimal(value).flatMap(Int.init(exactly:)) ?? Int.max)
    }
}
