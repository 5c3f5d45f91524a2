import Executions
import JSON
import Reactor
import Testing

@testable import Server

/// Who waits for which execution, and with whom it shares frames.
@Suite struct StreamHubTests {
    private static let waiting = """
        {"id":"waiting","nodes":[{"id":"a","kind":"delay","config":{"duration_ms":3600000}}]}
        """
    private static let quick = #"{"id":"quick","nodes":[{"id":"a","kind":"set","config":{"values":{"x":1}}}]}"#

    @Test func `streams of one execution share the frames of one detail`() throws {
        let live = try LiveServer()
        let hub = live.server.hub
        let log = try live.run(try live.put(Self.quick))
        let probe = try FlushProbe()
        let slot = try probe.register(on: live.reactor)
        let (first, firstWatch) = hub.subscribe(slot, to: log, EventView(.full), fromSeq: 1)
        let (second, secondWatch) = hub.subscribe(slot, to: log, EventView(.full), fromSeq: 1)
        let (other, otherWatch) = hub.subscribe(slot, to: log, EventView(.update), fromSeq: 1)
        #expect(first === second)
        #expect(first !== other)
        #expect(hub.streamCount == 3)
        hub.checkInvariants()
        for watch in [firstWatch, secondWatch, otherWatch] { hub.unsubscribe(watch) }
        #expect(hub.streamCount == 0)
        hub.checkInvariants()
        #expect(hub.log(of: log.id) == nil)
        probe.deregister(from: live.reactor)
        try live.stop()
    }

    @Test func `news wake each watcher once, and those that await none not at all`() throws {
        let live = try LiveServer()
        let hub = live.server.hub
        let log = try live.start(try live.put(Self.waiting))
        try live.reactor.turn(until: { log.visibleSeq >= 2 })
        let (eager, idle) = (try FlushProbe(), try FlushProbe())
        let watch = hub.watch(try eager.register(on: live.reactor), log)
        let other = hub.watch(try idle.register(on: live.reactor), log)
        hub.awaitNews(watch)
        hub.awaitNews(watch)
        hub.wake([log])
        try live.reactor.turnNow()
        hub.wake([log])
        try live.reactor.turnNow()
        #expect(eager.flushes == 1)
        #expect(idle.flushes == 0)
        hub.checkInvariants()
        hub.unwatch(watch)
        hub.unwatch(other)
        eager.deregister(from: live.reactor)
        idle.deregister(from: live.reactor)
        try live.stop()
    }

    @Test func `who waits for the end hears of it once it is stored, or of the farewell`() throws {
        let live = try LiveServer()
        let hub = live.server.hub
        let graph = try live.put(Self.waiting)
        let (ending, going) = (try live.start(graph), try live.start(graph))
        var heard: [String] = []
        hub.whenFinished(ending) {
            heard.append("end")
        } farewell: {
            heard.append("farewell of the one that ended")
        }
        hub.whenFinished(going) {
            heard.append("end of the one that goes on")
        } farewell: {
            heard.append("farewell")
        }
        live.service.cancel(ending.id) { _ in }
        try live.reactor.turn(until: { heard == ["end"] })
        #expect(ending.isFinishedAndVisible)
        hub.sayFarewell()
        #expect(heard == ["end", "farewell"])
        hub.checkInvariants()
        try live.stop()
    }

    @Test func `a deleted execution is found by nobody who comes now`() throws {
        let live = try LiveServer()
        let hub = live.server.hub
        let log = try live.run(try live.put(Self.quick))
        let probe = try FlushProbe()
        let watch = hub.watch(try probe.register(on: live.reactor), log)
        #expect(hub.log(of: log.id) === log)
        hub.forget(log.id)
        #expect(hub.log(of: log.id) == nil)
        hub.unwatch(watch)
        probe.deregister(from: live.reactor)
        try live.stop()
    }
}
