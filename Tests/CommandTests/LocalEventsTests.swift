import Glibc
import JSON
import Linux
import Synchronization
import Testing

@testable import millrace

@Suite(.serialized) struct LocalEventsTests {
    private func lines(_ source: LocalEvents) throws -> [String] {
        var lines: [String] = []
        while true {
            switch try source.next(timeoutMilliseconds: 20_000) {
            case .event(let event): lines.append(event.description)
            case .idle: Issue.record("nothing came in time")
            case .end: return lines
            }
        }
    }

    @Test func `all events come over in order, however many there are`() throws {
        let source = try LocalEvents(interrupts: Interrupts(), cancel: {}) { onEvent in
            for index in 0..<10_000 { onEvent(#"{"n":\#(index)}"#) }
        }
        #expect(try lines(source) == (0..<10_000).map { #"{"n":\#($0)}"# })
    }

    @Test func `a run that fails says so behind its events`() throws {
        let source = try LocalEvents(interrupts: Interrupts(), cancel: {}) { onEvent in
            onEvent("{}")
            throw CommandFailure("no such node")
        }
        guard case .event = try source.next(timeoutMilliseconds: 20_000) else {
            Issue.record("no event")
            return
        }
        let error = #expect(throws: CommandFailure.self) { _ = try source.next(timeoutMilliseconds: 20_000) }
        #expect(error?.description == "no such node")
    }

    @Test func `a signal ends the wait, and cancelling reaches the run`() throws {
        let interrupts = try Interrupts()
        let flag = Flag()
        let source = try LocalEvents(interrupts: interrupts, cancel: { flag.raise() }) { _ in
            while !flag.isRaised { sched_yield() }
        }
        raise(SIGINT)
        guard case .idle = try source.next(timeoutMilliseconds: 20_000) else {
            Issue.record("not interrupted")
            return
        }
        #expect(interrupts.take() == .interrupt)
        source.cancel()
        #expect(try lines(source) == [])
    }
}

private final class Flag: Sendable {
    private let value = Atomic(false)

    var isRaised: Bool { value.load(ordering: .acquiring) }
    func raise() { value.store(true, ordering: .releasing) }
}
