import Auth
import HTTP
import Linux

/// How many connections each address has open, so that one cannot take the place of all others.
struct Crowd {
    private var counts: [UInt128: Int] = [:]

    /// Counts a connection in.
    /// - Returns: false for one too many, which is not counted.
    mutating func enter(_ door: Door, atMost limit: Int, of connectionsMax: Int) -> Bool {
        guard let key = Self.key(door) else { return true }
        let count = counts[key, default: 0]
        guard limit == 0 || count < min(limit, max(1, connectionsMax / 4)) else { return false }
        counts[key] = count + 1
        return true
    }

    mutating func leave(_ door: Door) {
        guard let key = Self.key(door), let count = counts[key] else { return }
        counts[key] = count > 1 ? count - 1 : nil
    }

    private static func key(_ door: Door) -> UInt128? { door.isExempt ? nil : door.peer.countingKey }
}

extension Server {
    /// What a connection is told that is turned away.
    func refusal(_ problem: Problem) -> [UInt8] {
        var bytes: [UInt8] = []
        ResponseHead(problem.details.status, problem.response.headers).write(
            body: problem.response.body, to: &bytes, date: date(),
            recipient: ResponseHead.Recipient(keepsAlive: false))
        return bytes
    }
}
