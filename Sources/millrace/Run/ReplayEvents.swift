import Client
import Executions
import JSON
import Linux

/// The clock of a view: the wall's, or that of a recorded execution which is shown faster or slower than it was.
final class ViewClock {
    private let speed: Double
    /// When the record's time was what.
    private var anchor: (recorded: Int64, monotonicNanoseconds: Int64)?

    /// The wall clock.
    init() { speed = 1 }

    /// - Parameter speed: recorded seconds in a second.
    init(speed: Double) { self.speed = speed }

    /// Sets the clock, once.
    func start(atMicroseconds recorded: Int64) {
        if anchor == nil { anchor = (recorded, SystemClock.monotonicNanoseconds()) }
    }

    /// Microseconds since 1970.
    var now: Int64 {
        guard let anchor else { return SystemClock.wallMicroseconds() }
        let passed = Double(SystemClock.monotonicNanoseconds() - anchor.monotonicNanoseconds) / 1000 * speed
        return anchor.recorded + Int64(min(passed, Self.microsecondsMax))
    }

    /// When it will show that time, by the clock that never steps.
    func monotonicNanoseconds(atMicroseconds time: Int64) -> Int64 {
        guard let anchor else { return 0 }
        let nanoseconds = Double(time - anchor.recorded) / speed * 1000
        return anchor.monotonicNanoseconds + Int64(min(max(nanoseconds, 0), Self.microsecondsMax))
    }

    /// A century and some, which fits whatever is added to it.
    private static let microsecondsMax = 4e18 / 1000
}

/// Holds back the events of an execution until their time has come.
final class ReplayEvents: EventSource {
    private let events: any EventSource
    private let clock: ViewClock
    private let interrupt: Int32
    private var held: (event: JSONText, dueAtNanoseconds: Int64)?

    /// - Parameter interrupt: a descriptor that ends every wait when it becomes readable.
    init(_ events: any EventSource, clock: ViewClock, interrupt: Int32) {
        self.events = events
        self.clock = clock
        self.interrupt = interrupt
    }

    func next(timeoutMilliseconds: Int) throws -> EventStep {
        if held == nil {
            switch try events.next(timeoutMilliseconds: timeoutMilliseconds) {
            case .event(let event): held = (event, dueTime(of: event))
            case .idle: return .idle
            case .end: return .end
            }
        }
        guard let (event, due) = held else { return .idle }
        let deadline = Poll.deadline(inMilliseconds: timeoutMilliseconds)
        if due > SystemClock.monotonicNanoseconds() {
            let outcome = Poll.wait(nil, deadlineNanoseconds: min(due, deadline), interrupt: interrupt)
            guard outcome == .timedOut, due <= SystemClock.monotonicNanoseconds() else { return .idle }
        }
        held = nil
        return .event(event)
    }

    /// One without a time comes at once.
    private func dueTime(of event: JSONText) -> Int64 {
        guard let time = event["timestamp"]?.string.flatMap({ Timestamp.microseconds($0) }) else { return 0 }
        clock.start(atMicroseconds: time)
        return clock.monotonicNanoseconds(atMicroseconds: time)
    }

    /// A replay is only looked at.
    func cancel() {}

    var notice: String? { events.notice }
}
