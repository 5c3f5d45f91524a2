import Linux
import Reactor

/// The addresses of names: each name is looked up once at a time, beside the client's thread, and kept for a while. libcurl itself
/// would start a thread for each request.
final class NameTable {
    /// Looks a name up on a thread that may block; false where as many wait as may.
    package typealias Lane = @Sendable (_ name: String, _ work: @escaping @Sendable () -> Void) -> Bool
    typealias Answer = Result<[SocketAddress], NameLookup.Failure>

    private struct Entry {
        var answer: Answer?
        var waiting: [(Answer) -> Void] = []
        var goodUntil: Int64 = 0
    }

    /// What most servers of names let theirs be kept for at least.
    private static let keptNanoseconds: Int64 = 30_000_000_000
    private static let failureKeptNanoseconds: Int64 = 1_000_000_000
    private static let entriesMax = 1024

    private let lane: Lane
    private let tell: @Sendable (String, Answer) -> Void
    private let now: () -> Int64
    private var entries: [String: Entry] = [:]

    /// - Parameter tell: brings an answer to `take`, on the client's thread.
    init(lane: @escaping Lane, now: @escaping () -> Int64, tell: @escaping @Sendable (String, Answer) -> Void) {
        self.lane = lane
        self.now = now
        self.tell = tell
    }

    /// Calls `use` with the addresses, at once where they are known.
    func look(up name: String, _ use: @escaping (Answer) -> Void) {
        if let entry = entries[name] {
            guard let answer = entry.answer else {
                entries[name]?.waiting.append(use)
                return
            }
            if now() < entry.goodUntil { return use(answer) }
        }
        entries[name] = Entry(waiting: [use])
        let isTaken = lane(name) { [tell] in
            do throws(NameLookup.Failure) {
                tell(name, .success(try NameLookup.addresses(of: name, port: 0)))
            } catch {
                tell(name, .failure(error))
            }
        }
        if !isTaken { take(name, .failure(.init(reason: "too many names are being looked up"))) }
    }

    func take(_ name: String, _ answer: Answer) {
        let waiting = entries[name]?.waiting ?? []
        let kept = if case .success = answer { Self.keptNanoseconds } else { Self.failureKeptNanoseconds }
        entries[name] = Entry(answer: answer, goodUntil: now() + kept)
        if entries.count > Self.entriesMax {
            let time = now()
            entries = entries.filter { $0.value.answer == nil || $0.value.goodUntil > time }
            if entries.count > Self.entriesMax { entries = entries.filter { $0.value.answer == nil } }
        }
        for use in waiting { use(answer) }
    }
}
