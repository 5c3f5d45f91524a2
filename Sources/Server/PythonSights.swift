import Executions
import Graphs
import JSON
import Synchronization

/// What was seen in Python files of the graphs folder, and which are being looked at: a few at a time, the longest waiting
/// first. What was seen of a content stays true, so each content is looked at once.
package final class PythonSights: Sendable {
    /// Each is an interpreter that imports what may be large.
    private static let runningMax = 2
    /// Of code that a client has sent, and waits for.
    private static let codeMax = 4

    enum Knowledge {
        case seen(JSONText)
        /// It will be told.
        case looking
        /// Nothing could be seen, and why.
        case failed(String)
    }

    private struct Look {
        let order: PythonLookOrder
        /// Of the file and what its text imports, before it is looked at.
        let key: String
        var reply: PythonLookReply?
    }

    private struct Guarded {
        /// By the names of the sources.
        var sights: [String: PythonSight] = [:]
        var failures: [String: (key: String, reason: String)] = [:]
        var looks: [String: Look] = [:]
        var waiting: [String] = []
        var runningCount = 0
        var codeCount = 0
        var onNews: (@Sendable () -> Void)?
    }

    let looker: any PythonLooker
    private let kept: KeptLooks
    private let guarded = Mutex(Guarded())

    /// - Parameter folder: where what was seen is kept; nil: nowhere.
    package init(looker: any PythonLooker, keptIn folder: String?) {
        self.looker = looker
        kept = KeptLooks(folder: folder)
    }

    /// Calls `onNews`, on any thread, whenever something was seen: short, never blocking.
    func tellNews(_ onNews: @escaping @Sendable () -> Void) {
        guarded.withLock { $0.onNews = onNews }
    }

    /// What is known of a source as it stands; what is not is looked at. Of one thread at a time.
    /// - Parameter key: identifies what it goes by, given the imports that no text names.
    func knowledge(of name: String, _ order: PythonLookOrder, key: (Set<String>) -> String) -> Knowledge {
        let plainKey = key([])
        let look = guarded.withLock { guarded -> Look? in
            if guarded.looks[name]?.reply == nil { return guarded.looks[name] }
            return guarded.looks.removeValue(forKey: name)
        }
        if let look {
            // What has changed meanwhile is looked at once more.
            guard let reply = look.reply else { return .looking }
            if look.key == plainKey, look.order == order { take(reply, name, key, plainKey) }
        }
        let (known, failure) = guarded.withLock { ($0.sights[name], $0.failures[name]) }
        if let sight = known ?? kept.read(name), sight.key == key(PythonLook.imports(of: sight.answer)) {
            guarded.withLock { $0.sights[name] = sight }
            return .seen(sight.answer)
        }
        if let failure, failure.key == plainKey { return .failed(failure.reason) }
        guarded.withLock { guarded in
            guarded.looks[name] = Look(order: order, key: plainKey)
            guarded.waiting.append(name)
        }
        startNext()
        return .looking
    }

    /// Whether one of these is being looked at, or was and nobody has asked yet what came of it.
    func isLooking(atAnyOf names: Set<String>) -> Bool {
        guarded.withLock { guarded in names.contains { guarded.looks[$0] != nil } }
    }

    /// What could not be seen is tried again when it is asked for the next time.
    func forgetFailures() {
        guarded.withLock { $0.failures = [:] }
    }

    func forgetFailure(of name: String) {
        guarded.withLock { $0.failures[name] = nil }
    }

    /// Looks at code that is in no file.
    /// - Parameter done: called once, on any thread, if this is accepted.
    /// - Returns: false where as many are looked at as may be.
    func look(atCode order: PythonLookOrder, _ done: @escaping @Sendable (PythonLookReply) -> Void) -> Bool {
        let isAccepted = guarded.withLock { guarded in
            guard guarded.codeCount < Self.codeMax else { return false }
            guarded.codeCount += 1
            return true
        }
        guard isAccepted else { return false }
        looker.look(at: order) { [self] reply in
            guarded.withLock { $0.codeCount -= 1 }
            done(reply)
        }
        return true
    }

    /// All other sources are gone.
    func prune(keeping names: Set<String>) {
        let isLess = guarded.withLock { guarded in
            let count = guarded.sights.count
            guarded.sights = guarded.sights.filter { names.contains($0.key) }
            guarded.failures = guarded.failures.filter { names.contains($0.key) }
            // Those that run come to their end.
            guarded.waiting.removeAll { !names.contains($0) }
            let waiting = Set(guarded.waiting)
            guarded.looks = guarded.looks.filter { name, look in
                names.contains(name) || look.reply == nil && !waiting.contains(name)
            }
            return guarded.sights.count < count
        }
        if isLess { kept.prune(keeping: names) }
    }

    private func take(
        _ reply: PythonLookReply, _ name: String, _ key: (Set<String>) -> String, _ plainKey: String
    ) {
        let reason: String
        switch reply {
        case .answer(let bytes):
            if let answer = try? JSONText(parsing: bytes), PythonLook(answer) != nil {
                let sight = PythonSight(key: key(PythonLook.imports(of: answer)), answer: answer)
                guarded.withLock { $0.sights[name] = sight }
                return kept.keep(sight, of: name)
            }
            reason = "what it makes cannot be read"
        case .none(let why): reason = why
        }
        guarded.withLock { $0.failures[name] = (plainKey, reason) }
    }

    private func startNext() {
        while let (name, order) = guarded.withLock({ guarded -> (String, PythonLookOrder)? in
            guard guarded.runningCount < Self.runningMax, let name = guarded.waiting.first,
                let look = guarded.looks[name]
            else { return nil }
            guarded.waiting.removeFirst()
            guarded.runningCount += 1
            return (name, look.order)
        }) {
            looker.look(at: order) { [self] reply in finish(name, reply) }
        }
    }

    private func finish(_ name: String, _ reply: PythonLookReply) {
        let onNews = guarded.withLock { guarded in
            guarded.runningCount -= 1
            guarded.looks[name]?.reply = reply
            return guarded.onNews
        }
        startNext()
        onNews?()
    }
}
