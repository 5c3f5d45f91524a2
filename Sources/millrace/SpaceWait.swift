import Config
import Glibc
import Linux
import Reactor
import Systemd

/// The wait of a start for space on the disk of its state: the history cannot be opened without, and is whole. Whoever asks
/// meanwhile is told so, and the daemon goes on by itself when there is space.
struct SpaceWait {
    /// The history's files take more at once than this when they are opened.
    private static let bytesNeeded = 256 << 10
    /// Between two looks.
    private static let lookMilliseconds: Int64 = 500
    /// For which a connection's request is awaited before it is answered, and for which the answer may be taken.
    private static let requestMilliseconds: Int64 = 50
    private static let answerMilliseconds: Int64 = 200

    let folder: String
    let listen: [String]
    let log: DaemonLog

    /// Returns once there is space; at once, mostly. A signal to stop ends the process.
    func wait() throws {
        guard let fault = fault() else { return }
        log.log(.error, "the disk of the state is full; the start waits for space", ["reason": fault])
        ServiceManager.notify(.ready, status: "waiting: the disk of the state is full")
        let reactor = try Reactor()
        let signals = try SignalSource([.terminate, .interrupt], on: reactor) { _, _ in exit(0) }
        // Where one cannot listen now, the start says why later.
        let listeners = listen.compactMap { text in
            SocketAddress(text).flatMap {
                try? Listener(try Socket.listen(at: $0), on: reactor, accept: answer(reactor))
            }
        }
        look(reactor)
        try reactor.run()
        for listener in listeners { listener.close() }
        signals.close(on: reactor)
        log.log(.notice, "there is space again; the start goes on")
    }

    private func look(_ reactor: Reactor) {
        _ = reactor.schedule(afterMilliseconds: Self.lookMilliseconds) { [unowned reactor] in
            if fault() == nil { reactor.stop() } else { look(reactor) }
        }
    }

    /// Why the folder takes no more bytes; nil when it does, or for other reasons, which others tell.
    private func fault() -> String? {
        let path = "\(folder)/.space"
        let file = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0o600)
        var code = file < 0 ? errno : 0
        if file >= 0 {
            let bytes = [UInt8](repeating: 0x2E, count: Self.bytesNeeded)
            var written = 0
            while written < bytes.count, code == 0 {
                let count = bytes.withUnsafeBytes { write(file, $0.baseAddress! + written, $0.count - written) }
                if count > 0 { written += count } else { code = errno }
            }
            close(file)
            unlink(path)
        }
        return [ENOSPC, EDQUOT, EFBIG].contains(code) ? String(cString: strerror(code)) : nil
    }

    /// Every request gets the same answer, but for the one that asks whether the daemon lives.
    private func answer(_ reactor: Reactor) -> Listener.Accept {
        { [unowned reactor] connection, _ in
            let shared = Connection(connection)
            _ = reactor.schedule(afterMilliseconds: Self.requestMilliseconds) {
                shared.answer()
                _ = reactor.schedule(afterMilliseconds: Self.answerMilliseconds) { shared.close() }
            }
        }
    }

    private final class Connection {
        private let descriptor: Descriptor

        init(_ descriptor: consuming Descriptor) {
            self.descriptor = descriptor
        }

        func answer() {
            var request = [UInt8](repeating: 0, count: 4096)
            var count = 0
            if case .bytes(let received)? = try? request.withUnsafeMutableBytes({ try descriptor.receive(into: $0) }) {
                count = received
            }
            let isHealth = String(decoding: request[..<count], as: UTF8.self).contains(" /healthz ")
            let reply = isHealth ? Self.alive : Self.full
            _ = Array(reply.utf8).withUnsafeBytes { try? descriptor.send($0) }
            descriptor.shutDown(.sending)
        }

        func close() { descriptor.shutDown(.both) }

        private static let alive = reply("200 OK", "application/json", #"{"status":"alive"}"#)
        private static let full = reply(
            "503 Service Unavailable", "application/problem+json",
            #"{"type":"about:blank","title":"Service Unavailable","status":503,"#
                + #""detail":"The disk of the state is full: free some space, and the daemon goes on by itself.","#
                + #""code":"history_unwritable"}"#)

        private static func reply(_ status: String, _ type: String, _ body: String) -> String {
            "HTTP/1.1 \(status)\r\nContent-Type: \(type)\r\nContent-Length: \(body.utf8.count)\r\nRetry-After: 5\r\n"
                + "Connection: close\r\n\r\n\(body)"
        }
    }
}
