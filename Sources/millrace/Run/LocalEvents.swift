// An execution in this process runs on a thread of its own, and its events come over here in a queue, so that the thread
// of the terminal can draw, wait and take signals in the meantime. The queue is bounded: who runs waits for who reads.

import Client
import Glibc
import JSON
import Linux
import Synchronization

/// An execution in this process.
final class LocalEvents: EventSource {
    /// Runs the whole execution and hands on each event, as one line of JSON.
    typealias Work = @Sendable (_ onEvent: (String) -> Void) throws -> Void

    private static let stackBytes = 8 << 20

    private let queue: EventQueue
    private let thread: SpawnedThread
    private let interrupts: Interrupts
    private let askForEnd: @Sendable () -> Void

    /// - Parameters:
    ///   - cancel: called on the caller's thread, while `work` runs on its own.
    ///   - work: what it throws, `next` throws.
    init(interrupts: Interrupts, cancel: @escaping @Sendable () -> Void, work: @escaping Work) throws {
        let queue = try EventQueue()
        self.queue = queue
        self.interrupts = interrupts
        askForEnd = cancel
        thread = try spawnThread(name: "execution", stackBytes: Self.stackBytes) {
            do {
                try work { line in queue.append(line) }
                queue.finish(nil)
            } catch {
                queue.finish(CommandFailure(error) ?? CommandFailure("\(error)"))
            }
        }
        thread.detach()
    }

    func next(timeoutMilliseconds: Int) throws -> EventStep {
        let deadline = Poll.deadline(inMilliseconds: timeoutMilliseconds)
        while true {
            switch queue.take() {
            case .line(let line): return .event(try JSONText(parsing: line, limits: Self.limits))
            case .end(let failure):
                if let failure { throw failure }
                return .end
            case .nothing: break
            }
            let outcome = Poll.wait(queue.descriptor, deadlineNanoseconds: deadline, interrupt: interrupts.descriptor)
            guard outcome == .ready else { return .idle }
            queue.acknowledge()
        }
    }

    private static let limits = JSONLimits(bytesMax: 96 << 20, depthMax: JSONLimits.depthMaxDefault + 8)

    func cancel() { askForEnd() }

    var notice: String? { nil }
}

/// Lines from one thread to another.
private final class EventQueue: Sendable {
    /// Enough that neither thread waits for each single event, little enough to stay small with large states.
    private static let linesMax = 256

    enum Taken {
        case line(String)
        case nothing
        case end(CommandFailure?)
    }

    private struct Guarded {
        var lines: [String] = []
        var next = 0
        var isFinished = false
        var failure: CommandFailure?
    }

    private let guarded = Mutex(Guarded())
    private let filled: EventCounter
    private let emptied: EventCounter

    init() throws(SystemError) {
        filled = try EventCounter()
        emptied = try EventCounter()
    }

    /// Readable once there is something to take.
    var descriptor: Int32 { filled.descriptor.raw }

    func acknowledge() { _ = filled.take() }

    /// Waits while the queue is full.
    func append(_ line: String) {
        while true {
            let isTaken = guarded.withLock { guarded in
                guard guarded.lines.count < Self.linesMax else { return false }
                guarded.lines.append(line)
                return true
            }
            if isTaken { break }
            _ = Poll.wait(emptied.descriptor.raw, deadlineNanoseconds: .max, interrupt: nil)
            _ = emptied.take()
        }
        filled.signal()
    }

    func finish(_ failure: CommandFailure?) {
        guarded.withLock { guarded in
            guarded.isFinished = true
            guarded.failure = failure
        }
        filled.signal()
    }

    func take() -> Taken {
        let (taken, isEmptied) = guarded.withLock { guarded -> (Taken, Bool) in
            if guarded.next < guarded.lines.count {
                let line = guarded.lines[guarded.next]
                guarded.next += 1
                let isEmptied = guarded.next == guarded.lines.count
                if isEmptied {
                    guarded.lines.removeAll(keepingCapacity: true)
                    guarded.next = 0
                }
                return (.line(line), isEmptied)
            }
            return (guarded.isFinished ? .end(guarded.failure) : .nothing, false)
        }
        if isEmptied { emptied.signal() }
        return taken
    }
}
