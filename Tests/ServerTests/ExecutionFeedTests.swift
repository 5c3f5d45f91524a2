import Executions
import JSON
import Reactor
import Testing

@testable import Server

/// What dashboards are told of all executions.
@Suite struct ExecutionFeedTests {
    private static let quick = #"{"id":"quick","nodes":[{"id":"a","kind":"set","config":{"values":{"x":1}}}]}"#
    private static let waiting = """
        {"id":"waiting","nodes":[{"id":"a","kind":"delay","config":{"duration_ms":3600000}}]}
        """

    private func lines(_ feed: ExecutionFeed, from index: Int) -> [String] {
        (index..<feed.endIndex).map { String(decoding: feed[$0].block, as: UTF8.self) }
    }

    @Test func `while nobody looks, nothing is kept`() throws {
        let live = try LiveServer()
        _ = try live.run(try live.put(Self.quick))
        try live.reactor.turnNow()
        #expect(live.server.feed.endIndex == live.server.feed.startIndex)
        #expect(live.server.feed.lineBytes == 0)
        try live.stop()
    }

    @Test func `each event is told once, in its order`() throws {
        let live = try LiveServer()
        let feed = live.server.feed
        let graph = try live.put(Self.quick)
        let probe = try FlushProbe()
        let slot = try probe.register(on: live.reactor)
        feed.subscribe(slot)
        var logs: [EventLog] = []
        for _ in 0..<20 { logs.append(try live.start(graph)) }
        try live.reactor.turn(until: { logs.allSatisfy(\.isFinishedAndVisible) && feed.endIndex >= 20 * 4 })
        for log in logs {
            let own = (feed.startIndex..<feed.endIndex).filter { feed[$0].executionID == log.id }
            #expect(own.count == 4, "a start, a node's start and end, an end")
        }
        #expect(feed.lineBytes == (feed.startIndex..<feed.endIndex).reduce(0) { $0 + feed[$1].block.count })
        feed.checkInvariants()
        feed.unsubscribe(slot)
        #expect(feed.lineBytes == 0)
        feed.checkInvariants()
        probe.deregister(from: live.reactor)
        try live.stop()
    }

    @Test func `the snapshot holds what has not ended, in the order of ids`() throws {
        let live = try LiveServer()
        let feed = live.server.feed
        let graph = try live.put(Self.waiting)
        let logs = try (0..<30).map { _ in try live.start(graph) }
        try live.reactor.turn(until: { logs.allSatisfy { $0.visibleSeq >= 2 } })
        live.service.cancel(logs[7].id) { _ in }
        try live.reactor.turn(until: { logs[7].isFinishedAndVisible })
        let probe = try FlushProbe()
        let slot = try probe.register(on: live.reactor)
        feed.subscribe(slot)
        var seen: [ExecutionID] = []
        var after: ExecutionID?
        repeat {
            after = feed.forEachUnfinished(after: after, countMax: 4) { entry in
                seen.append(entry.log.id)
                return true
            }
        } while after != nil
        #expect(seen == logs.map(\.id).filter { $0 != logs[7].id })
        feed.unsubscribe(slot)
        probe.deregister(from: live.reactor)
        try live.stop()
    }
}
