// TLS is libcurl's: it looks the name up, goes through the proxy that $HTTPS_PROXY names, shakes hands and judges the
// certificate. Behind that it carries bytes as a socket does (CURLOPT_CONNECT_ONLY), and the same parser reads them.

import CCurl
import Glibc
import Linux

/// A TLS connection whose server has shown a certificate for its name, from an authority that is trusted here: the system's,
/// or those of the file $SSL_CERT_FILE and the folder $SSL_CERT_DIR.
final class SecureConnection {
    private let handle: UnsafeMutableRawPointer
    private let multi: UnsafeMutableRawPointer
    /// What libcurl says about the last failure; it writes there as long as the handle lives.
    private let words: UnsafeMutablePointer<CChar>
    /// The connection's socket, to wait on.
    private(set) var descriptor: Int32 = -1

    private static let isReady = curl_global_init(Int(CURL_GLOBAL_DEFAULT)) == CURLE_OK

    private init() throws(ClientError) {
        guard Self.isReady, let handle = curl_easy_init() else { throw .connectionLost("libcurl cannot be used") }
        guard let multi = curl_multi_init() else {
            curl_easy_cleanup(handle)
            throw .connectionLost("libcurl cannot be used")
        }
        self.handle = handle
        self.multi = multi
        words = .allocate(capacity: Int(CURL_ERROR_SIZE))
        words.initialize(repeating: 0, count: Int(CURL_ERROR_SIZE))
    }

    deinit {
        curl_multi_remove_handle(multi, handle)
        curl_easy_cleanup(handle)
        curl_multi_cleanup(multi)
        words.deallocate()
    }

    /// - Parameter address: an https one.
    static func open(
        to address: ServerAddress, deadlineNanoseconds: Int64, interrupt: Int32?
    ) throws(ClientError) -> SecureConnection {
        let connection = try SecureConnection()
        connection.prepare(for: address)
        try connection.connect(address, deadlineNanoseconds, interrupt)
        return connection
    }

    /// Whether TLS is spoken at a place that a plain request went to in vain.
    static func isSpoken(at address: ServerAddress, deadlineNanoseconds: Int64, interrupt: Int32?) -> Bool {
        guard let connection = try? SecureConnection() else { return false }
        connection.prepare(for: address)
        // Nothing is sent there, so it may be whoever it likes.
        curl_set_number(connection.handle, CURLOPT_SSL_VERIFYPEER, 0)
        curl_set_number(connection.handle, CURLOPT_SSL_VERIFYHOST, 0)
        return (try? connection.connect(address, deadlineNanoseconds, interrupt)) != nil
    }

    private func prepare(for address: ServerAddress) {
        curl_set_pointer(handle, CURLOPT_ERRORBUFFER, words)
        curl_set_string(handle, CURLOPT_URL, "https://\(address.authority)/")
        curl_set_number(handle, CURLOPT_CONNECT_ONLY, 1)
        // No proxy leads to this host itself, as browsers have it too.
        if address.isLocal { curl_set_string(handle, CURLOPT_PROXY, "") }
        // The protocol that is negotiated inside TLS (ALPN).
        curl_set_number(handle, CURLOPT_HTTP_VERSION, Int(CURL_HTTP_VERSION_1_1))
        if let file = Self.variable("SSL_CERT_FILE") { curl_set_string(handle, CURLOPT_CAINFO, file) }
        if let folder = Self.variable("SSL_CERT_DIR") { curl_set_string(handle, CURLOPT_CAPATH, folder) }
    }

    private static func variable(_ name: String) -> String? {
        guard let value = getenv(name), value.pointee != 0 else { return nil }
        return String(cString: value)
    }

    private func connect(
        _ address: ServerAddress, _ deadline: Int64, _ interrupt: Int32?
    ) throws(ClientError) {
        curl_multi_add_handle(multi, handle)
        var running: Int32 = 1
        while true {
            curl_multi_perform(multi, &running)
            guard running > 0 else { break }
            let left = deadline - SystemClock.monotonicNanoseconds()
            guard left > 0 else {
                throw .unreachable([.init(address: address.description, reason: "no answer in time")])
            }
            var other = curl_waitfd(fd: interrupt ?? -1, events: Int16(CURL_WAIT_POLLIN), revents: 0)
            let milliseconds = Int32(clamping: (left + 999_999) / 1_000_000)
            curl_multi_poll(multi, &other, interrupt == nil ? 0 : 1, milliseconds, nil)
            if other.revents != 0 { throw .interrupted }
        }
        var messages: Int32 = 0
        guard let message = curl_multi_info_read(multi, &messages) else {
            throw .connectionLost("libcurl says nothing of the connection")
        }
        let code = message.pointee.data.result
        guard code == CURLE_OK, curl_get_socket(handle, CURLINFO_ACTIVESOCKET, &descriptor) == CURLE_OK else {
            throw failure(code, address)
        }
    }

    /// What libcurl says of the last failure, or else what the code means.
    private func reason(_ code: CURLcode) -> String {
        words.pointee == 0 ? String(cString: curl_easy_strerror(code)) : String(cString: words)
    }

    private func failure(_ code: CURLcode, _ address: ServerAddress) -> ClientError {
        let reason = reason(code)
        switch code {
        case CURLE_COULDNT_RESOLVE_HOST, CURLE_COULDNT_CONNECT, CURLE_OPERATION_TIMEDOUT, CURLE_COULDNT_RESOLVE_PROXY,
            CURLE_PROXY:
            var number = 0
            curl_get_number(handle, CURLINFO_OS_ERRNO, &number)
            let isRefused = code == CURLE_COULDNT_CONNECT && number != 0
            let words = isRefused ? String(cString: strerror(Int32(truncatingIfNeeded: number))) : reason
            return .unreachable([.init(address: address.description, reason: words)])
        case CURLE_PEER_FAILED_VERIFICATION, CURLE_SSL_ISSUER_ERROR, CURLE_SSL_CACERT_BADFILE:
            return .untrusted(address: address.description, reason: reason)
        case CURLE_SSL_CONNECT_ERROR where reason.contains("wrong version number"):
            return .elsewhere(address.description, try: address.plain)
        default: return .connectionLost(reason)
        }
    }
}

// MARK: - Bytes

extension SecureConnection {
    func receive(into buffer: UnsafeMutableRawBufferPointer) throws(ClientError) -> Transfer {
        var count = 0
        let code = curl_easy_recv(handle, buffer.baseAddress, buffer.count, &count)
        switch code {
        case CURLE_OK: return count > 0 ? .bytes(count) : .endOfStream
        case CURLE_AGAIN: return .wouldBlock
        default: throw .connectionLost(reason(code))
        }
    }

    /// May take fewer bytes than given. A peer that takes no more may have answered already.
    func send(_ bytes: UnsafeRawBufferPointer) -> Transfer {
        var count = 0
        switch curl_easy_send(handle, bytes.baseAddress, bytes.count, &count) {
        case CURLE_OK where count > 0: return .bytes(count)
        case CURLE_AGAIN: return .wouldBlock
        default: return .closedByPeer
        }
    }
}
