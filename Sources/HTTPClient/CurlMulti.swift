// libcurl's multi interface, driven by sockets and a timer of a reactor: the work of a turn goes by what happens in it, not by how
// many transfers are open. What libcurl calls back lies in the middle of its own work, so nothing is added or removed there.

import CCurl
import Linux
import Reactor

/// Transfers that share connections. Of the thread of its reactor.
final class CurlMulti {
    private let reactor: Reactor
    private let handle: UnsafeMutableRawPointer
    private var sockets: [Int32: Slot] = [:]
    private var timer: TimerID?
    private var transfers: [UnsafeMutableRawPointer: CurlTransfer] = [:]

    init?(_ settings: ClientSettings, on reactor: Reactor) {
        guard let handle = curl_multi_init() else { return nil }
        self.reactor = reactor
        self.handle = handle
        curl_multi_set_number(handle, CURLMOPT_MAX_TOTAL_CONNECTIONS, settings.connectionsMax)
        curl_multi_set_number(handle, CURLMOPT_MAX_HOST_CONNECTIONS, settings.connectionsPerHostMax)
        curl_multi_set_number(handle, CURLMOPT_MAXCONNECTS, ClientSettings.idleConnectionsMax)
        let this = Unmanaged.passUnretained(self).toOpaque()
        curl_multi_set_pointer(handle, CURLMOPT_SOCKETDATA, this)
        curl_multi_set_socket_callback(handle) { _, socket, what, this, _ in
            this.map { Unmanaged<CurlMulti>.fromOpaque($0).takeUnretainedValue().watch(socket, what) }
            return 0
        }
        curl_multi_set_pointer(handle, CURLMOPT_TIMERDATA, this)
        curl_multi_set_timer_callback(handle) { _, milliseconds, this in
            this.map { Unmanaged<CurlMulti>.fromOpaque($0).takeUnretainedValue().arm(milliseconds) }
            return 0
        }
    }

    deinit {
        // Nothing is told of the connections that are closed now.
        curl_multi_set_socket_callback(handle, nil)
        curl_multi_set_timer_callback(handle, nil)
        if let timer { reactor.cancel(timer) }
        for transfer in transfers.values { curl_multi_remove_handle(handle, transfer.handle) }
        curl_multi_cleanup(handle)
    }

    func add(_ transfer: CurlTransfer) {
        transfers[transfer.handle] = transfer
        let code = curl_multi_add_handle(handle, transfer.handle)
        guard code != CURLM_OK else { return }
        transfers[transfer.handle] = nil
        transfer.finish(CURLE_OUT_OF_MEMORY)
    }

    /// Its connection is closed if it is in use. Not to be called from a callback of libcurl.
    func remove(_ transfer: CurlTransfer) {
        guard transfers.removeValue(forKey: transfer.handle) != nil else { return }
        curl_multi_remove_handle(handle, transfer.handle)
    }

    // MARK: What libcurl wants to know

    private func watch(_ socket: Int32, _ what: Int32) {
        if let slot = sockets.removeValue(forKey: socket) { reactor.deregister(slot) }
        var readiness: Readiness = []
        if what & CURL_POLL_IN != 0 { readiness.insert(.readable) }
        if what & CURL_POLL_OUT != 0 { readiness.insert(.writable) }
        guard what != CURL_POLL_REMOVE, !readiness.isEmpty else { return }
        do {
            sockets[socket] = try reactor.register(raw: socket, .level(readiness), SocketWatch(self, socket))
        } catch {
            // At the system's limit of watches: the transfer fails instead of waiting for good.
            _ = reactor.schedule(afterMilliseconds: 0) { [weak self] in self?.act(socket, CURL_CSELECT_ERR) }
        }
    }

    private func arm(_ milliseconds: Int) {
        if let timer { reactor.cancel(timer) }
        timer = nil
        guard milliseconds >= 0 else { return }
        timer = reactor.schedule(afterMilliseconds: Int64(milliseconds)) { [weak self] in
            self?.timer = nil
            self?.act(CURL_SOCKET_TIMEOUT, 0)
        }
    }

    // MARK: What it is told

    fileprivate func act(_ socket: Int32, _ events: Int32) {
        var running: Int32 = 0
        curl_multi_socket_action(handle, socket, events, &running)
        var left: Int32 = 0
        while let message = curl_multi_info_read(handle, &left) {
            guard message.pointee.msg == CURLMSG_DONE, let easy = message.pointee.easy_handle else { continue }
            let code = message.pointee.data.result
            guard let transfer = transfers.removeValue(forKey: easy) else { continue }
            curl_multi_remove_handle(handle, easy)
            transfer.finish(code)
        }
    }
}

/// A socket of libcurl's.
private final class SocketWatch: ReadinessHandler {
    private weak var multi: CurlMulti?
    private let socket: Int32

    init(_ multi: CurlMulti, _ socket: Int32) {
        self.multi = multi
        self.socket = socket
    }

    func ready(_ readiness: Readiness) {
        var events: Int32 = 0
        if !readiness.isDisjoint(with: [.readable, .peerFinished, .hungUp]) { events |= CURL_CSELECT_IN }
        if readiness.contains(.writable) { events |= CURL_CSELECT_OUT }
        if readiness.contains(.failed) { events |= CURL_CSELECT_ERR }
        multi?.act(socket, events)
    }
}
