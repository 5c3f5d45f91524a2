import Client
import Glibc
import Linux
import Synchronization

/// A server on a unix socket that says what it is told to, to one connection after the other, and remembers what it was
/// asked.
final class ScriptedServer: Sendable {
    /// What one connection gets. It is closed behind the last piece.
    struct Reply: Sendable {
        /// Each is sent once the one before it was read, so that the client sees exactly these pieces.
        var pieces: [[UInt8]]

        init(_ pieces: [[UInt8]]) { self.pieces = pieces }
        init(_ text: String) { pieces = [Array(text.utf8)] }

        /// A whole answer.
        static func answer(_ status: String, _ type: String = "application/json", body: String) -> Reply {
            Reply("HTTP/1.1 \(status)\r\nContent-Type: \(type)\r\nContent-Length: \(body.utf8.count)\r\n\r\n\(body)")
        }

        /// A stream with events as chunks; one that is not whole breaks off behind them.
        static func stream(_ blocks: [String], headers: String = "", isWhole: Bool = true) -> Reply {
            var text =
                "HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nTransfer-Encoding: chunked\r\n\(headers)\r\n"
            for block in blocks { text += "\(String(block.utf8.count, radix: 16))\r\n\(block)\r\n" }
            return Reply(isWhole ? text + "0\r\n\r\n" : text)
        }
    }

    /// For anything that must happen; a test that runs into it has failed.
    private static let patienceMilliseconds = 20_000

    let path: String
    private let requests = Mutex<[String]>([])
    private let thread = Mutex<SpawnedThread?>(nil)

    var address: ServerAddress { ServerAddress("unix:\(path)")! }
    var client: APIClient { APIClient(address) }

    /// The heads and bodies of all requests so far.
    var received: [String] { requests.withLock { $0 } }

    init(_ replies: [Reply]) throws {
        path = "@millrace-client-test-\(getpid())-\(Self.counter.add(1, ordering: .relaxed).newValue)"
        let listener = try Socket.listen(at: .unix(path))
        let raw = listener.release()
        let spawned = try spawnThread(name: "scripted") { [self] in
            let listener = Descriptor(owning: raw)
            for reply in replies { serve(reply, listener) }
        }
        thread.withLock { $0 = spawned }
    }

    private static let counter = Atomic(0)

    /// Waits until every connection was served.
    func finish() {
        thread.withLock { thread in
            thread?.join()
            thread = nil
        }
    }

    private func serve(_ reply: Reply, _ listener: borrowing Descriptor) {
        let deadline = Poll.deadline(inMilliseconds: Self.patienceMilliseconds)
        while true {
            guard Poll.wait(listener.raw, deadlineNanoseconds: deadline, interrupt: nil) == .ready,
                let accepted = try? listener.accept()
            else { return }
            guard case .connection(let socket, _) = consume accepted else { continue }
            // A look whether anybody is there sends nothing.
            guard let request = read(socket, deadline) else { continue }
            requests.withLock { $0.append(request) }
            for piece in reply.pieces where !send(piece, socket, deadline) { return }
            return
        }
    }

    private func read(_ socket: borrowing Descriptor, _ deadline: Int64) -> String? {
        var text = ""
        var buffer = [UInt8](repeating: 0, count: 65_536)
        while Poll.wait(socket.raw, deadlineNanoseconds: deadline, interrupt: nil) == .ready {
            let count = recv(socket.raw, &buffer, buffer.count, 0)
            guard count > 0 else { return nil }
            text += String(decoding: buffer[..<count], as: UTF8.self)
            guard let end = text.firstRange(of: "\r\n\r\n") else { continue }
            let length = text.firstMatch(of: /Content-Length: ([0-9]+)/).flatMap { Int($0.1) } ?? 0
            if text[end.upperBound...].utf8.count >= length { return text }
        }
        return nil
    }

    private func send(_ piece: [UInt8], _ socket: borrowing Descriptor, _ deadline: Int64) -> Bool {
        var offset = 0
        while offset < piece.count {
            guard Poll.wait(socket.raw, for: .writable, deadlineNanoseconds: deadline, interrupt: nil) == .ready else {
                return false
            }
            let count = piece[offset...].withUnsafeBytes {
                Glibc.send(socket.raw, $0.baseAddress, $0.count, Int32(MSG_NOSIGNAL))
            }
            guard count > 0 else { return false }
            offset += count
        }
        // SIOCOUTQ: what the client has not read yet. The kernel tells nobody when it becomes nothing, so look again.
        var unread: Int32 = 1
        while unread > 0, SystemClock.monotonicNanoseconds() < deadline {
            guard ioctl(socket.raw, UInt(TIOCOUTQ), &unread) == 0 else { return false }
            let again = Poll.deadline(inMilliseconds: 1)
            if unread > 0 { _ = Poll.wait(nil, deadlineNanoseconds: again, interrupt: nil) }
        }
        return true
    }
}

extension ClientError {
    /// The case's name.
    var name: String {
        switch self {
        case .unreachable: "unreachable"
        case .untrusted: "untrusted"
        case .elsewhere: "elsewhere"
        case .refused: "refused"
        case .connectionLost: "connectionLost"
        case .malformed: "malformed"
        case .tooLarge: "tooLarge"
        case .timedOut: "timedOut"
        case .interrupted: "interrupted"
        }
    }
}
