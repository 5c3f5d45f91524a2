import Linux
import Testing

@testable import Reactor

@Suite struct MailboxTests {
    private final class Log {
        var next = [Int](repeating: 0, count: 8)
        var total = 0
        var disorders = 0
    }

    @Test func `a hundred thousand posts of eight threads arrive, each thread's in order`() throws {
        let reactor = try Reactor()
        let log = Log()
        let shared = Confined(log, to: reactor)
        let mailbox = reactor.mailbox
        let postsPerThread = 12_500
        let threads = try (0..<8).map { thread in
            try spawnThread(name: "poster-\(thread)") {
                for number in 0..<postsPerThread {
                    mailbox.post { reactor in
                        let log = shared.open(on: reactor)
                        if log.next[thread] != number { log.disorders += 1 }
                        log.next[thread] = number + 1
                        log.total += 1
                    }
                }
            }
        }
        try reactor.turn(until: { log.total == 8 * postsPerThread })
        for thread in threads { thread.join() }
        #expect(log.disorders == 0)
        #expect(reactor.turnMetrics.posts == 100_000)
        // A wakeup needs a reactor that went to sleep, and it does so once per turn at most.
        #expect(mailbox.wakeups <= reactor.turnMetrics.turns)
    }

    private final class Mortal {
        let onEnd: (ThreadID) -> Void
        init(_ onEnd: @escaping (ThreadID) -> Void) { self.onEnd = onEnd }
        deinit { onEnd(ThreadID.current) }
    }

    @Test func `a confined value that another thread lets go of last dies on the reactor's thread`() throws {
        let reactor = try Reactor()
        var died: ThreadID?
        let thread: SpawnedThread
        do {
            let confined = Confined(Mortal { died = $0 }, to: reactor)
            thread = try spawnThread(name: "holder") { withExtendedLifetime(confined) {} }
        }
        thread.join()
        try reactor.turn(until: { died != nil })
        #expect(died == ThreadID.current)
    }

    @Test func `what is posted after the reactor has gone is let go of`() throws {
        var reactor: Reactor? = try Reactor()
        let mailbox = try #require(reactor?.mailbox)
        var died = false
        mailbox.post { [mortal = Confined(Mortal { _ in died = true }, to: try #require(reactor))] _ in
            withExtendedLifetime(mortal) {}
        }
        reactor = nil
        #expect(died)
        mailbox.post { _ in }
    }

    @Test func `a burst wakes a sleeping reactor once, and one that is awake not at all`() throws {
        let mailbox = try Mailbox()
        for _ in 0..<1_000 { mailbox.post { _ in } }
        #expect(mailbox.wakeups == 0)
        #expect(!mailbox.prepareToSleep(), "there is work")
        var batch: [Mailbox.Work] = []
        mailbox.take(into: &batch)
        #expect(batch.count == 1_000)
        #expect(mailbox.prepareToSleep())
        for _ in 0..<1_000 { mailbox.post { _ in } }
        #expect(mailbox.wakeups == 1)
    }

    @Test func `a post wakes a reactor that waits without end`() throws {
        let reactor = try Reactor()
        let mailbox = reactor.mailbox
        let thread = try spawnThread(name: "poster") { mailbox.post { $0.stop() } }
        try reactor.run()
        thread.join()
        // The counter is never read: the next wakeup must be an edge of its own.
        let again = try spawnThread(name: "poster") { mailbox.post { $0.stop() } }
        try reactor.run()
        again.join()
    }

    @Test func `what is posted from the reactor's own thread runs in a later turn`() throws {
        let reactor = try Reactor()
        let log = Log()
        let shared = Confined(log, to: reactor)
        reactor.mailbox.post { reactor in
            reactor.mailbox.post { shared.open(on: $0).total += 1 }
        }
        try reactor.turn()
        #expect(log.total == 0)
        try reactor.turn()
        #expect(log.total == 1)
    }
}
