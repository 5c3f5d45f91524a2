import Linux
import Testing

@testable import Reactor

/// A handler that does what the test says.
final class Probe: ReadinessHandler {
    var onReady: (Readiness) -> Void = { _ in }
    var onFlush: () -> Void = {}
    var onReap: () -> Void = {}

    func ready(_ readiness: Readiness) { onReady(readiness) }
    func flush() { onFlush() }
    func reap() { onReap() }
}

/// One end of a socket pair, with what a test does to it.
final class Peer {
    let descriptor: Descriptor

    init(_ descriptor: consuming Descriptor) { self.descriptor = descriptor }

    static func pair() throws -> (Peer, Peer) {
        var ends: (Peer, Peer)?
        try Socket.pair().take { ends = (Peer($0), Peer($1)) }
        return ends!
    }

    func send(_ text: String) throws {
        let bytes = Array(text.utf8)
        let sent = try bytes.withUnsafeBytes { try descriptor.send($0) }
        #expect(sent == .bytes(bytes.count))
    }

    /// What one call receives; nil when there is nothing, empty at the end.
    func receive() throws -> String? {
        try withUnsafeTemporaryAllocation(byteCount: 65_536, alignment: 1) { buffer in
            switch try descriptor.receive(into: buffer) {
            case .bytes(let count): String(decoding: buffer[..<count], as: UTF8.self)
            case .wouldBlock: nil
            case .endOfStream, .closedByPeer: ""
            }
        }
    }
}

extension Reactor {
    /// Turns until `condition` holds; gives up, and fails, long after it should.
    func turn(until condition: () -> Bool, sourceLocation: SourceLocation = #_sourceLocation) throws {
        var isOverdue = false
        let timer = schedule(afterMilliseconds: 30_000) { isOverdue = true }
        defer { cancel(timer) }
        while !condition() {
            try turn()
            if isOverdue {
                Issue.record("what the test waits for never came", sourceLocation: sourceLocation)
                return
            }
        }
    }

    /// A turn that does not wait.
    func turnNow() throws {
        mailbox.post { _ in }
        try turn()
    }
}
