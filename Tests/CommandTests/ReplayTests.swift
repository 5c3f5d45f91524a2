import JSON
import Linux
import Testing

@testable import millrace

@Suite struct ReplayTests {
    /// Hands out events that are all there already.
    private final class Recorded: EventSource {
        private var events: [JSONText]
        init(_ events: [JSONText]) { self.events = events }

        func next(timeoutMilliseconds: Int) -> EventStep { events.isEmpty ? .end : .event(events.removeFirst()) }
        func cancel() {}
        var notice: String? { nil }
    }

    private func replay(_ speed: Double, _ events: [JSONText], _ counter: borrowing EventCounter) -> ReplayEvents {
        ReplayEvents(Recorded(events), clock: ViewClock(speed: speed), interrupt: counter.descriptor.raw)
    }

    private func word(_ step: EventStep) -> String {
        switch step {
        case .event: "event"
        case .idle: "idle"
        case .end: "end"
        }
    }

    @Test func `an event is held back until its time has come`() throws {
        let counter = try EventCounter()
        let replay = replay(1, [Events.start(1), Events.nodeStart("a", at: 9_000)], counter)
        #expect(try word(replay.next(timeoutMilliseconds: 0)) == "event")
        #expect(try word(replay.next(timeoutMilliseconds: 1)) == "idle")
        counter.signal()
    }

    @Test func `the order stays and the end comes, however fast`() throws {
        let events = [Events.start(1), Events.nodeStart("a", at: 5_000), Events.complete(at: 9_000, "success")]
        let counter = try EventCounter()
        let replay = replay(1_000_000, events, counter)
        var types: [String] = []
        while types.count < 100 {
            switch try replay.next(timeoutMilliseconds: 1000) {
            case .event(let event): types.append(event["type"]?.string ?? "")
            case .idle: continue
            case .end: break
            }
            if types.count == 3 { break }
        }
        #expect(types == ["start", "node_start", "complete"])
        #expect(try word(replay.next(timeoutMilliseconds: 0)) == "end")
        counter.signal()
    }

    @Test func `a signal ends the wait`() throws {
        let counter = try EventCounter()
        let replay = replay(1, [Events.start(1), Events.nodeStart("a", at: 9_000)], counter)
        _ = try replay.next(timeoutMilliseconds: 0)
        counter.signal()
        #expect(try word(replay.next(timeoutMilliseconds: 600_000)) == "idle")
    }

    @Test func `the clock of a view shows recorded time at its speed`() {
        let clock = ViewClock(speed: 4)
        clock.start(atMicroseconds: 1_000_000)
        let due = clock.monotonicNanoseconds(atMicroseconds: 9_000_000)
        let early = clock.monotonicNanoseconds(atMicroseconds: 5_000_000)
        #expect(due - early == 1_000_000_000)
        #expect(clock.now >= 1_000_000)
    }
}
