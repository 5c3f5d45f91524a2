import HTTP
import Linux
import Reactor
import Testing

/// A client that says bytes and hears bytes, on the thread that turns the server's reactor.
final class RawClient {
    struct Answer {
        let status: Int
        let head: String
        let body: String
    }

    private let descriptor: Descriptor
    private let reactor: Reactor
    private(set) var received: [UInt8] = []
    private(set) var hasEnded = false

    init(_ descriptor: consuming Descriptor, on reactor: Reactor) {
        self.descriptor = descriptor
        self.reactor = reactor
    }

    func send(_ text: String) throws {
        var bytes = Array(text.utf8)[...]
        while !bytes.isEmpty {
            switch try bytes.withUnsafeBytes({ try descriptor.send($0) }) {
            case .bytes(let count): bytes = bytes.dropFirst(count)
            case .wouldBlock: try reactor.turnNow()
            case .closedByPeer, .endOfStream: return
            }
        }
    }

    /// Takes what has come.
    func receive() throws {
        while !hasEnded {
            let count = try withUnsafeTemporaryAllocation(byteCount: 65_536, alignment: 1) { buffer -> Int? in
                switch try descriptor.receive(into: buffer) {
                case .bytes(let count):
                    received += buffer[..<count]
                    return count
                case .wouldBlock: return nil
                case .endOfStream, .closedByPeer:
                    hasEnded = true
                    return nil
                }
            }
            if count == nil { return }
        }
    }

    var text: String { String(decoding: received, as: UTF8.self) }

    /// Turns until what has come satisfies the condition.
    func wait(sourceLocation: SourceLocation = #_sourceLocation, until condition: (String) -> Bool) throws {
        try reactor.turn(
            until: {
                try? receive()
                return condition(text) || hasEnded
            }, sourceLocation: sourceLocation)
    }

    /// The next answer with a `Content-Length`, or without a body.
    func answer(sourceLocation: SourceLocation = #_sourceLocation) throws -> Answer {
        var found: Answer?
        try reactor.turn(
            until: {
                try? receive()
                found = parsed()
                return found != nil || hasEnded
            }, sourceLocation: sourceLocation)
        return try #require(found, "the server closed the connection: \(text)", sourceLocation: sourceLocation)
    }

    private func parsed() -> Answer? {
        guard let end = text.range(of: "\r\n\r\n") else { return nil }
        let head = String(text[..<end.lowerBound])
        let lines = head.split(separator: "\r\n")
        let status = lines.first?.split(separator: " ").dropFirst().first.flatMap { Int($0) } ?? 0
        let length =
            lines.first { $0.lowercased().hasPrefix("content-length:") }
            .flatMap { Int($0.split(separator: ":")[1].drop { $0 == " " }) } ?? 0
        let body = text[end.upperBound...]
        guard body.utf8.count >= length else { return nil }
        let answer = Answer(status: status, head: head, body: String(body))
        received = []
        return answer
    }
}

extension String {
    fileprivate func range(of text: String) -> Range<String.Index>? {
        var start = startIndex
        while start < endIndex {
            if self[start...].hasPrefix(text) { return start..<index(start, offsetBy: text.count) }
            start = index(after: start)
        }
        return nil
    }
}
