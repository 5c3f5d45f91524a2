import Executions
import HTTP

extension Connection {
    enum Phase {
        case reading
        /// A request is being served; `number` tells it from earlier ones.
        case handling
        case streaming
        /// Closes once what is to be sent is sent; `lingers` to let the peer read it.
        case closing(lingers: Bool)
        /// Reads and throws away, until the peer is silent or the time is over.
        case lingering(untilNanoseconds: Int64)
        case closed
    }

    /// How long a client that has its answer may still send, so that it sees the answer before the connection resets (RFC 9112,
    /// 9.6). What it sends is thrown away, however much that is: a client that looks for an answer only once it has sent all
    /// would never see it otherwise.
    enum Linger {
        static let millisecondsMax: Int64 = 30_000
        /// Of silence, of a client that is sending a body.
        static let pauseMilliseconds: Int64 = 5_000
        /// Of silence, of one that has sent all.
        static let milliseconds: Int64 = 2_000
    }

    var isClosed: Bool { if case .closed = phase { true } else { false } }

    /// Whether somebody waits for an answer or watches.
    var isInExchange: Bool {
        switch phase {
        case .handling, .streaming: true
        case .reading, .closing, .lingering, .closed: false
        }
    }

    /// Whether bytes that arrive are wanted now.
    var isListening: Bool {
        switch phase {
        case .reading: output.count < Self.outputBytesMax
        case .lingering: true
        case .handling, .streaming, .closing, .closed: false
        }
    }

    /// Enters how much of a body is in hand; 0 gives all of it back.
    /// - Returns: why it is not read on, if all bodies together are too large; small ones always are.
    @discardableResult
    func account(forBody bytes: Int) -> Problem? {
        let hasGrown = bytes > accountedBodyBytes
        server.service.environment.memory.change(.bodies, by: bytes - accountedBodyBytes)
        server.bodyBytes += bytes - accountedBodyBytes
        accountedBodyBytes = bytes
        guard hasGrown, bytes > Server.strangerBodyBytesMax, server.bodyBytes > Server.bodyBytesMax else { return nil }
        return Problem(
            503, "overloaded", "So many large bodies are being sent; try again in a moment.",
            headers: ["Retry-After": "1"])
    }
}
