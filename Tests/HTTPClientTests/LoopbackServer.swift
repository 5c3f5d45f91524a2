import Glibc
import Linux
import Synchronization

/// A server on a port of loopback: each connection carries one request, and gets what the script makes of it.
final class LoopbackServer: Sendable {
    /// Nil: the connection stays open, and nothing is said.
    typealias Script = @Sendable (_ request: String) -> String?

    let port: UInt16
    private let listener: Int32
    private let requests = Mutex<[String]>([])
    private let held = Mutex<[Int32]>([])
    private let thread = Mutex<SpawnedThread?>(nil)

    var url: String { "http://127.0.0.1:\(port)" }
    /// All that was asked so far.
    var received: [String] { requests.withLock { $0 } }

    init(_ script: @escaping Script) throws {
        let socket = try Socket.listen(at: .ipv4(0x7F00_0001, port: 0))
        port = try socket.localAddress().port ?? 0
        try socket.setBlocking(true)
        listener = socket.release()
        let spawned = try spawnThread(name: "loopback") { [self] in
            while true {
                let connection = accept(listener, nil, nil)
                guard connection >= 0 else { return }
                serve(connection, script)
            }
        }
        thread.withLock { $0 = spawned }
    }

    func stop() {
        shutdown(listener, Int32(SHUT_RDWR))
        thread.withLock { $0.take() }?.join()
        close(listener)
        for connection in held.withLock({ $0 }) { close(connection) }
    }

    private func serve(_ connection: Int32, _ script: Script) {
        guard let request = read(connection) else { return _ = close(connection) }
        requests.withLock { $0.append(request) }
        guard let answer = script(request) else { return held.withLock { $0.append(connection) } }
        var bytes = Array(answer.utf8)[...]
        while !bytes.isEmpty {
            let count = bytes.withUnsafeBytes { send(connection, $0.baseAddress, $0.count, Int32(MSG_NOSIGNAL)) }
            guard count > 0 else { break }
            bytes = bytes.dropFirst(count)
        }
        close(connection)
    }

    /// The head and the body, which has a length where there is one.
    private func read(_ connection: Int32) -> String? {
        var text = ""
        var buffer = [UInt8](repeating: 0, count: 65_536)
        while true {
            if let end = text.firstRange(of: "\r\n\r\n") {
                let length = text.firstMatch(of: /Content-Length: ([0-9]+)/).flatMap { Int($0.1) } ?? 0
                if text[end.upperBound...].utf8.count >= length { return text }
            }
            let count = recv(connection, &buffer, buffer.count, 0)
            guard count > 0 else { return nil }
            text += String(decoding: buffer[..<count], as: UTF8.self)
        }
    }
}

extension LoopbackServer {
    static func answer(_ status: String = "200 OK", _ fields: [String] = [], body: String = "") -> String {
        let lines = ["HTTP/1.1 \(status)", "Content-Length: \(body.utf8.count)", "Connection: close"] + fields
        return lines.joined(separator: "\r\n") + "\r\n\r\n" + body
    }
}
