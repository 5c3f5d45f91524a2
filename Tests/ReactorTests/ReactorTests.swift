import Linux
import Testing

@testable import Reactor

@Suite struct ReactorTests {
    let reactor: Reactor

    init() throws { reactor = try Reactor() }

    @Test func `an event for a handler that went in the same turn falls through`() throws {
        let (first, firstPeer) = try Peer.pair()
        let (second, secondPeer) = try Peer.pair()
        let probes = [Probe(), Probe()]
        var slots: [Slot] = []
        var calls: [Int] = []
        for (index, probe) in probes.enumerated() {
            // Whoever is called first removes the other.
            probe.onReady = { [reactor] _ in
                calls.append(index)
                reactor.deregister(slots[1 - index])
            }
            slots.append(try reactor.register((index == 0 ? first : second).descriptor, .input, probe))
        }
        try firstPeer.send("a")
        try secondPeer.send("b")
        try reactor.turn()
        #expect(calls.count == 1)
        #expect(reactor.turnMetrics.events == 2)
        #expect(reactor.registrations == 1)
    }

    @Test func `a slot is reused in the next turn at the earliest, under another name`() throws {
        let (one, _) = try Peer.pair()
        let (two, _) = try Peer.pair()
        let (three, _) = try Peer.pair()
        let old = try reactor.register(one.descriptor, .input, Probe())
        reactor.deregister(old)
        let sameTurn = try reactor.register(two.descriptor, .input, Probe())
        #expect(sameTurn.index != old.index)
        try reactor.turnNow()
        let probe = Probe()
        let nextTurn = try reactor.register(three.descriptor, .input, probe)
        #expect(nextTurn.index == old.index)
        #expect(nextTurn != old)
        #expect(reactor.handler(at: old) == nil)
        #expect(reactor.handler(at: nextTurn) === probe)
    }

    @Test func `a flush or reap for a slot that is gone does not reach the one that follows it`() throws {
        let (one, _) = try Peer.pair()
        let old = try reactor.register(one.descriptor, .input, Probe())
        reactor.needsFlush(old)
        reactor.reapAtEndOfTurn(old)
        reactor.deregister(old)
        reactor.needsFlush(old)
        try reactor.turnNow()
        let probe = Probe()
        probe.onFlush = { Issue.record("flushed") }
        probe.onReap = { Issue.record("reaped") }
        _ = try reactor.register(one.descriptor, .input, probe)
        reactor.needsFlush(old)
        reactor.reapAtEndOfTurn(old)
        try reactor.turnNow()
    }

    @Test func `each arrival of bytes is an edge, read or not`() throws {
        let (end, peer) = try Peer.pair()
        let probe = Probe()
        var edges = 0
        probe.onReady = { if $0.contains(.readable) { edges += 1 } }
        _ = try reactor.register(end.descriptor, .stream, probe)
        try peer.send("a")
        try reactor.turn()
        try peer.send("b")
        try reactor.turn()
        #expect(edges == 2)
        try reactor.turnNow()
        #expect(edges == 2, "no edge without an arrival")
        #expect(try end.receive() == "ab")
    }

    @Test func `a writer that found the buffer full is told when there is room`() throws {
        let (end, peer) = try Peer.pair()
        let probe = Probe()
        var isWritable = false
        probe.onReady = { isWritable = $0.contains(.writable) }
        _ = try reactor.register(end.descriptor, .stream, probe)
        let bytes = [UInt8](repeating: 1, count: 65_536)
        while try bytes.withUnsafeBytes({ try end.descriptor.send($0) }) != .wouldBlock {}
        try reactor.turnNow()
        isWritable = false
        while let text = try peer.receive(), !text.isEmpty {}
        try reactor.turn(until: { isWritable })
    }

    @Test func `the end of the peer is an edge`() throws {
        let (end, peer) = try Peer.pair()
        let probe = Probe()
        var seen: Readiness = []
        probe.onReady = { seen.formUnion($0) }
        _ = try reactor.register(end.descriptor, .stream, probe)
        peer.descriptor.shutDown(.sending)
        try reactor.turn(until: { seen.contains(.peerFinished) })
        #expect(try end.receive() == "")
    }

    @Test func `a handler is flushed once in a turn, after the events of the turn`() throws {
        let (end, peer) = try Peer.pair()
        let probe = Probe()
        var log: [String] = []
        let slot = try reactor.register(end.descriptor, .input, probe)
        probe.onReady = { [reactor] _ in
            log.append("ready")
            reactor.needsFlush(slot)
            reactor.needsFlush(slot)
            reactor.mailbox.post { _ in }
            _ = reactor.schedule(afterMilliseconds: 0) {}
        }
        probe.onFlush = { log.append("flush") }
        try peer.send("a")
        try reactor.turn()
        #expect(log == ["ready", "flush"])
    }

    @Test func `a handler that asks again while it is flushed is served in the next turn, without a wait`() throws {
        let (end, _) = try Peer.pair()
        let probe = Probe()
        var flushes = 0
        let slot = try reactor.register(end.descriptor, .input, probe)
        probe.onFlush = { [reactor] in
            flushes += 1
            if flushes < 3 { reactor.needsFlush(slot) }
        }
        reactor.needsFlush(slot)
        for turn in 1...3 {
            // With nothing else to do, a turn that waited would hang here.
            try reactor.turn()
            #expect(flushes == turn)
        }
    }

    @Test func `what is over the limit of a phase comes in the next turn, in order`() throws {
        var limits = Reactor.Limits()
        limits.flushesMax = 2
        limits.reapsMax = 2
        limits.mailboxMax = 2
        let reactor = try Reactor(limits: limits)
        final class Log { var flushed: [Int] = [], reaped: [Int] = [], posted: [Int] = [] }
        let log = Log()
        let shared = Confined(log, to: reactor)
        var peers: [Peer] = []
        for index in 0..<5 {
            let (end, _) = try Peer.pair()
            peers.append(end)
            let probe = Probe()
            probe.onFlush = { log.flushed.append(index) }
            probe.onReap = { log.reaped.append(index) }
            let slot = try reactor.register(end.descriptor, .input, probe)
            reactor.needsFlush(slot)
            reactor.reapAtEndOfTurn(slot)
            reactor.mailbox.post { shared.open(on: $0).posted.append(index) }
        }
        for expected in [[0, 1], [0, 1, 2, 3], [0, 1, 2, 3, 4]] {
            try reactor.turn()
            #expect(log.flushed == expected)
            #expect(log.reaped == expected)
            #expect(log.posted == expected)
        }
    }

    @Test func `a phase whose time is over leaves the rest to the next turn, and the other phases have their turn`()
        throws
    {
        var limits = Reactor.Limits()
        limits.phaseNanosecondsMax = 0
        let reactor = try Reactor(limits: limits)
        let log = Confined(DoneLog(), to: reactor)
        for index in 0..<20 {
            reactor.mailbox.post { log.open(on: $0).posted.append(index) }
            _ = reactor.schedule(afterMilliseconds: 0) { log.open(on: reactor).fired += 1 }
        }
        try reactor.turnNow()
        let first = log.open(on: reactor)
        #expect((1...2).contains(first.posted.count))
        #expect((0...2).contains(first.fired))
        try reactor.turn(until: { log.open(on: reactor).posted.count == 20 && log.open(on: reactor).fired == 20 })
        #expect(first.posted == Array(0..<20))
    }

    @Test func `events that a turn had no time for are dispatched in the next, unless their handler has gone`() throws {
        var limits = Reactor.Limits()
        limits.phaseNanosecondsMax = 0
        let reactor = try Reactor(limits: limits)
        var peers: [Peer] = []
        var slots: [Slot] = []
        var seen: Set<Int> = []
        for index in 0..<9 {
            let (end, peer) = try Peer.pair()
            peers += [end, peer]
            let probe = Probe()
            probe.onReady = { _ in seen.insert(index) }
            slots.append(try reactor.register(end.descriptor, .input, probe))
            try peer.send("a")
        }
        try reactor.turn()
        #expect((1...2).contains(seen.count))
        let gone = try #require((0..<9).first { !seen.contains($0) })
        reactor.deregister(slots[gone])
        try reactor.turn(until: { seen.count == 8 })
        try reactor.turnNow()
        #expect(seen == Set(0..<9).subtracting([gone]))
    }

    @Test func `children start few in a turn, and what is posted meanwhile comes between them`() throws {
        var limits = Reactor.Limits()
        limits.phaseNanosecondsMax = 0
        let reactor = try Reactor(limits: limits)
        let queue = CountingSpawnQueue(20)
        reactor.spawnQueue = queue
        var startedAtPost: [Int] = []
        let record = Confined({ startedAtPost.append(queue.started) }, to: reactor)
        while !queue.isEmpty {
            reactor.mailbox.post { record.open(on: $0)() }
            let before = queue.started
            // With a queue that is not empty, a turn does not wait.
            try reactor.turn()
            #expect((1...2).contains(queue.started - before))
        }
        #expect(startedAtPost.count >= 10)
        #expect(startedAtPost == startedAtPost.sorted())
    }

    @Test func `a connection that is reaped closes at the end of the turn`() throws {
        let (end, peer) = try Peer.pair()
        let probe = Probe()
        var owned: Peer? = end
        let slot = try reactor.register(end.descriptor, .stream, probe)
        probe.onReady = { [reactor] _ in reactor.reapAtEndOfTurn(slot) }
        probe.onReap = { [reactor] in
            reactor.deregister(slot)
            owned?.descriptor.shutDown(.both)
            owned = nil
        }
        try peer.send("bye")
        try reactor.turn()
        #expect(owned == nil)
        #expect(reactor.registrations == 0)
        #expect(try peer.receive() == "")
    }

    @Test func `a timer is never early, and those cancelled stay silent`() throws {
        var fired = 0
        var early = 0
        for index in 0..<200 {
            let delay = Int64(index % 20)
            let due = SystemClock.monotonicNanoseconds() + delay * 1_000_000
            _ = reactor.schedule(afterMilliseconds: delay) {
                fired += 1
                if SystemClock.monotonicNanoseconds() < due { early += 1 }
            }
            let cancelled = reactor.schedule(afterMilliseconds: delay) { Issue.record("cancelled timer \(index)") }
            reactor.cancel(cancelled)
        }
        try reactor.turn(until: { fired == 200 })
        #expect(early == 0)
        #expect(reactor.timers == 0)
    }

    @Test func `eighteen thousand timers fire, a bounded number per turn`() throws {
        var fired = 0
        for index in 0..<18_000 {
            _ = reactor.schedule(afterMilliseconds: Int64(index % 3)) { fired += 1 }
        }
        var before = 0
        var turnMost = 0
        try reactor.turn(until: {
            turnMost = max(turnMost, fired - before)
            before = fired
            return fired == 18_000
        })
        #expect(turnMost <= reactor.limits.timersMax + 1)
    }

    @Test func `a timer that schedules itself again lets the turn end`() throws {
        var rounds = 0
        func again() {
            rounds += 1
            _ = reactor.schedule(afterMilliseconds: 0, again)
        }
        again()
        let turns = reactor.turnMetrics.turns
        try reactor.turn(until: { rounds >= 5 })
        #expect(reactor.turnMetrics.turns - turns >= 4)
    }

    @Test func `run returns at the end of the turn in which it is stopped`() throws {
        reactor.mailbox.post { $0.stop() }
        try reactor.run()
        #expect(reactor.turnMetrics.turns == 1)
    }

    @Test func `signals arrive as readiness`() throws {
        // The signal is sent to this thread alone, where it is blocked.
        Signals.block([.user1])
        defer { Signals.unblock([.user1]) }
        var seen: [Signal] = []
        let source = try SignalSource([.user1], on: reactor) { signal, _ in seen.append(signal) }
        Signals.sendToCurrentThread(.user1)
        try reactor.turn(until: { seen == [.user1] })
        source.close(on: reactor)
        #expect(reactor.registrations == 0)
    }
}

private final class DoneLog {
    var posted: [Int] = []
    var fired = 0
}

/// Starts nothing, and counts how often it is asked to.
private final class CountingSpawnQueue: SpawnQueue {
    private let total: Int
    private(set) var started = 0

    init(_ total: Int) { self.total = total }

    var isEmpty: Bool { started == total }
    func startNext() { started += 1 }
}
