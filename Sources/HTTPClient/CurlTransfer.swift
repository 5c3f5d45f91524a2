import CCurl
import Glibc
import Linux

/// What becomes of a transfer, on the client's thread, in the middle of libcurl's work but for `finished`.
protocol TransferDelegate: AnyObject {
    /// - Returns: whether the transfer goes on.
    func took(head: ReceivedHead) -> Bool
    func took(body: UnsafeRawBufferPointer) -> Bool
    /// The transfer is over and belongs to nobody any more.
    func finished(_ error: TransferError?)
}

/// One request and its response, without redirects: an easy handle of libcurl's.
final class CurlTransfer {
    /// Where a request goes.
    struct Route {
        let url: URLReference
        /// Nil: to the server itself.
        let proxy: String?
        /// `HOST:PORT:ADDRESS,…` of the one host that is connected to, if it has a name.
        let resolution: String?
        /// Nil: any address will do.
        let policy: AddressPolicy?
    }

    let handle: UnsafeMutableRawPointer
    private let route: Route
    private unowned let delegate: any TransferDelegate
    private var lists: [UnsafeMutablePointer<curl_slist>] = []
    /// What libcurl says of the last failure; it writes there for as long as the handle lives.
    private let words: UnsafeMutablePointer<CChar>
    private var head = HeadReader()
    private var denied: SocketAddress?
    private var refusal: TransferError?

    init?(
        _ request: OutgoingRequest, _ route: Route, _ settings: ClientSettings, _ delegate: any TransferDelegate
    ) {
        guard let handle = curl_easy_init() else { return nil }
        self.handle = handle
        self.route = route
        self.delegate = delegate
        words = .allocate(capacity: Int(CURL_ERROR_SIZE))
        words.initialize(repeating: 0, count: Int(CURL_ERROR_SIZE))
        prepare(settings)
        prepare(request)
        listen()
    }

    /// Not while a multi handle holds it.
    deinit {
        curl_easy_cleanup(handle)
        for list in lists { curl_slist_free_all(list) }
        words.deallocate()
    }

    func finish(_ code: CURLcode) {
        delegate.finished(code == CURLE_OK ? nil : refusal ?? failure(code))
    }
}

// MARK: - What libcurl is told

extension CurlTransfer {
    private func prepare(_ settings: ClientSettings) {
        curl_set_pointer(handle, CURLOPT_ERRORBUFFER, words)
        curl_set_url(handle, route.url.handle)
        curl_set_string(handle, CURLOPT_PROTOCOLS_STR, "http,https")
        curl_set_number(handle, CURLOPT_NOSIGNAL, 1)
        curl_set_number(handle, CURLOPT_TCP_KEEPALIVE, 1)
        curl_set_number(handle, CURLOPT_CONNECTTIMEOUT_MS, settings.connectMilliseconds)
        // Where a connection may carry many (HTTP/2), one that is being made is waited for.
        if route.url.scheme == "https" { curl_set_number(handle, CURLOPT_PIPEWAIT, 1) }
        // All that it can decode.
        curl_set_string(handle, CURLOPT_ACCEPT_ENCODING, "")
        curl_set_string(handle, CURLOPT_USERAGENT, settings.userAgent)
        // The decision about proxies is made here alone.
        curl_set_string(handle, CURLOPT_PROXY, route.proxy ?? "")
        curl_set_string(handle, CURLOPT_NOPROXY, "")
        curl_set_number(handle, CURLOPT_SUPPRESS_CONNECT_HEADERS, 1)
        if let resolution = route.resolution { set(CURLOPT_RESOLVE, [resolution]) }
        if let file = settings.authoritiesFile {
            // Those of the system are found in its folder, one by one.
            curl_set_string(handle, CURLOPT_CAINFO, file)
        } else {
            // The one file of the system's is read once for all connections where there is no folder.
            curl_set_string(handle, CURLOPT_CAPATH, nil)
        }
    }

    private func prepare(_ request: OutgoingRequest) {
        var lines = request.fields.map { $0.value.isEmpty ? "\($0.name);" : "\($0.name): \($0.value)" }
        // Nothing is asked for before a body is sent.
        lines.append("Expect:")
        let hasType = request.fields.contains { $0.name.lowercased() == "content-type" }
        switch request.method {
        case "HEAD": curl_set_number(handle, CURLOPT_NOBODY, 1)
        case "GET" where request.body == nil: curl_set_number(handle, CURLOPT_HTTPGET, 1)
        case "POST", "PUT", "PATCH": send(request.body ?? [], hasType, &lines)
        default: if let body = request.body { send(body, hasType, &lines) }
        }
        if request.method != "HEAD" { curl_set_string(handle, CURLOPT_CUSTOMREQUEST, request.method) }
        set(CURLOPT_HTTPHEADER, lines)
    }

    private func send(_ body: [UInt8], _ hasType: Bool, _ lines: inout [String]) {
        // libcurl would say that it is a form.
        if !hasType { lines.append("Content-Type:") }
        curl_set_number(handle, CURLOPT_POST, 1)
        curl_set_large_number(handle, CURLOPT_POSTFIELDSIZE_LARGE, Int(body.count))
        body.withUnsafeBytes { bytes in
            _ = curl_set_pointer(handle, CURLOPT_COPYPOSTFIELDS, UnsafeMutableRawPointer(mutating: bytes.baseAddress))
        }
    }

    private func set(_ option: CURLoption, _ texts: [String]) {
        var list: UnsafeMutablePointer<curl_slist>?
        for text in texts { list = curl_slist_append(list, text) ?? list }
        guard let list else { return }
        lists.append(list)
        curl_set_list(handle, option, list)
    }

    private func listen() {
        let this = Unmanaged.passUnretained(self).toOpaque()
        curl_set_pointer(handle, CURLOPT_HEADERDATA, this)
        curl_set_data_callback(handle, CURLOPT_HEADERFUNCTION) { bytes, size, count, this in
            CurlTransfer.take(bytes, size * count, this) { $0.take(headLine: $1) }
        }
        curl_set_pointer(handle, CURLOPT_WRITEDATA, this)
        curl_set_data_callback(handle, CURLOPT_WRITEFUNCTION) { bytes, size, count, this in
            CurlTransfer.take(bytes, size * count, this) { $0.take(body: $1) }
        }
        curl_set_pointer(handle, CURLOPT_OPENSOCKETDATA, this)
        curl_set_open_socket_callback(handle) { this, _, address in
            guard let this, let address else { return CURL_SOCKET_BAD }
            return Unmanaged<CurlTransfer>.fromOpaque(this).takeUnretainedValue().open(address)
        }
    }

    /// - Returns: how much was taken; less than all of it ends the transfer.
    private static func take(
        _ bytes: UnsafeMutablePointer<CChar>?, _ count: Int, _ this: UnsafeMutableRawPointer?,
        _ use: (CurlTransfer, UnsafeRawBufferPointer) -> Bool
    ) -> Int {
        guard let this else { return 0 }
        let transfer = Unmanaged<CurlTransfer>.fromOpaque(this).takeUnretainedValue()
        let goesOn = use(transfer, UnsafeRawBufferPointer(start: bytes, count: count))
        // Of nothing all can be taken.
        return goesOn ? count : count == 0 ? 1 : 0
    }
}

// MARK: - What libcurl tells

extension CurlTransfer {
    private func take(headLine line: UnsafeRawBufferPointer) -> Bool {
        switch head.take(line) {
        case .more: return true
        case .tooLong:
            refusal = .headTooLong(bytesMax: ClientSettings.headBytesMax)
            return false
        case .head(let head): return goesOn(delegate.took(head: head))
        }
    }

    private func take(body: UnsafeRawBufferPointer) -> Bool { goesOn(delegate.took(body: body)) }

    private func goesOn(_ isWanted: Bool) -> Bool {
        if !isWanted { refusal = .refused }
        return isWanted
    }

    /// The socket that will be connected to an address, if it may be.
    private func open(_ address: UnsafeMutablePointer<curl_sockaddr>) -> Int32 {
        let wanted = address.pointee
        let bytes = UnsafeRawBufferPointer(start: curl_address_of(address), count: Int(wanted.addrlen))
        if let policy = route.policy {
            guard let target = SocketAddress(kernel: bytes), policy.allows(target) else {
                denied = SocketAddress(kernel: bytes)
                return CURL_SOCKET_BAD
            }
        }
        let type = wanted.socktype | Int32(SOCK_CLOEXEC.rawValue) | Int32(SOCK_NONBLOCK.rawValue)
        return socket(wanted.family, type, wanted.protocol)
    }

    private func failure(_ code: CURLcode) -> TransferError {
        let host = route.url.host
        let reason = words.pointee == 0 ? String(cString: curl_easy_strerror(code)) : String(cString: words)
        switch code {
        case CURLE_COULDNT_CONNECT, CURLE_COULDNT_RESOLVE_HOST, CURLE_COULDNT_RESOLVE_PROXY, CURLE_PROXY,
            CURLE_OPERATION_TIMEDOUT:
            if code == CURLE_COULDNT_CONNECT, let denied { return .denied(address: denied.host, host: host) }
            return .notConnected(host: host, reason: reason)
        case CURLE_PEER_FAILED_VERIFICATION, CURLE_SSL_ISSUER_ERROR, CURLE_SSL_CACERT_BADFILE, CURLE_SSL_CONNECT_ERROR:
            return .insecure(host: host, reason: reason)
        default: return .broken(host: host, reason: reason)
        }
    }
}
