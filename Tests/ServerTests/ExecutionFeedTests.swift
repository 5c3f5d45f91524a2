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
        // The word of the new graph comes before anybody looks.
        try live.reactor.turnNow()
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

    @Test func `a new revision is told, and a deletion as one`() throws {
        let live = try LiveServer()
        let feed = live.server.feed
        let probe = try FlushProbe()
        let slot = try probe.register(on: live.reactor)
        feed.subscribe(slot)
        _ = try live.put(Self.quick)
        live.server.catalog.delete("quick", expecting: nil) { _ in }
        try live.reactor.turn(until: { feed.endIndex == 2 })
        let lines = lines(feed, from: 0)
        let heads = [(1, "false"), (2, "true")].map { revision, deleted in
            "data: {\"type\":\"graph_changed\",\"graph_id\":\"quick\",\"revision\":\(revision),\"deleted\":\(deleted),\"timestamp\":\""
        }
        #expect(zip(lines, heads).allSatisfy { $0.hasPrefix($1) && $0.hasSuffix("Z\"}\n\n") })
        feed.unsubscribe(slot)
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
