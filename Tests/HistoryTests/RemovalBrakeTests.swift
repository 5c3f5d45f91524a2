import Executions
import GRDB
import Synchronization
import Testing

@testable import History

@Suite struct RemovalBrakeTests {
    private static let minute: UInt64 = 60_000_000_000
    private static let limits = RetentionLimits(executions: 10)

    private struct Clock {
        var wall: Int64 = 1_790_000_000_000_000
        var monotonic: UInt64 = 5_000_000_000

        mutating func pass(_ nanoseconds: UInt64) {
            monotonic += nanoseconds
            wall += Int64(nanoseconds / 1_000)
        }
    }

    private func judge(
        _ brake: inout RemovalBrake, _ clock: Clock, isLarge: Bool = true, _ limits: RetentionLimits = limits
    ) -> RemovalBrake.Verdict {
        brake.judge(
            isLarge: isLarge, limits, wallMicroseconds: clock.wall, monotonicNanoseconds: clock.monotonic)
    }

    @Test(arguments: [
        (RemovalBrake.Plan(executions: 1000, surplus: 1000), 1500, false),
        (RemovalBrake.Plan(executions: 1001, surplus: 1001), 1500, true),
        (RemovalBrake.Plan(executions: 2000, surplus: 2000), 4000, false),
        (RemovalBrake.Plan(executions: 2001, surplus: 2001), 4000, true),
        (RemovalBrake.Plan(executions: 100, aged: 100), 100, false),
        (RemovalBrake.Plan(executions: 101, aged: 101), 101, true),
        (RemovalBrake.Plan(executions: 101, aged: 101), 202, false),
        (RemovalBrake.Plan(surplusBytes: 501), 1000, false), (RemovalBrake.Plan(surplusBytes: 501), 1001, true),
        (RemovalBrake.Plan(surplusBytes: 500), 1001, false),
    ])
    func `large is what takes more than half, and more than a few`(plan: RemovalBrake.Plan, count: Int, isLarge: Bool) {
        #expect(plan.isLarge(of: (count, 1000)) == isLarge)
    }

    @Test func `a large removal is told once, waits its time, and then goes on to its end`() {
        var (brake, clock) = (RemovalBrake(), Clock())
        #expect(judge(&brake, clock) == .waits(isNew: true))
        clock.pass(9 * Self.minute)
        #expect(judge(&brake, clock) == .waits(isNew: false))
        #expect(brake.isHolding)
        clock.pass(Self.minute)
        #expect(judge(&brake, clock) == .released)
        #expect(!brake.isHolding)
        clock.pass(Self.minute)
        #expect(judge(&brake, clock) == .goOn)
        #expect(judge(&brake, clock, isLarge: false) == .goOn)
        #expect(judge(&brake, clock) == .waits(isNew: true), "the next one waits anew")
    }

    @Test func `settings that change, and a clock that is set, let it wait anew; set back right it is no matter`() {
        var (brake, clock) = (RemovalBrake(), Clock())
        #expect(judge(&brake, clock) == .waits(isNew: true))
        clock.pass(9 * Self.minute)
        #expect(judge(&brake, clock, RetentionLimits(executions: 9)) == .waits(isNew: true))
        clock.pass(9 * Self.minute)
        clock.wall += 40 * 86_400_000_000
        #expect(judge(&brake, clock, RetentionLimits(executions: 9)) == .waits(isNew: true))
        #expect(judge(&brake, clock, isLarge: false) == .goOn)
        #expect(!brake.isHolding)
    }

    @Test func `with a delay of 0 nothing waits`() {
        var brake = RemovalBrake()
        let limits = RetentionLimits(executions: 10, largeRemovalDelayMilliseconds: 0)
        #expect(judge(&brake, Clock(), limits) == .goOn)
    }

    /// Executions that have ended, in a file.
    private func fill(_ path: String, count: Int) throws {
        let store = HistoryStore(.file(path))
        let watcher = Watcher()
        store.observer = watcher
        try store.start()
        let logs = (0..<count).map { number in
            var summary = summary(Int64(number), status: .success)
            summary.endedAtMicroseconds = summary.createdAtMicroseconds
            return EventLog(graph: anyGraph, summary: summary)
        }
        for log in logs { log.append([[1, 2]], to: store) }
        for log in logs { watcher.wait(for: log, through: 1) }
        try store.stop()
    }

    private func round(_ retention: inout Retention, _ queue: DatabaseQueue) throws {
        repeat {
            try queue.inDatabase { try retention.run($0) }
        } while retention.waitMilliseconds() <= Retention.pauseMilliseconds
    }

    @Test func `a clock that is 40 days ahead removes nothing at once, and it is announced`() throws {
        let folder = TemporaryFolder()
        try fill(folder.path("history.db"), count: 300)
        let words = Mutex<[RetentionWord]>([])
        let news = RetentionNews { word in words.withLock { $0.append(word) } }
        let queue = try DatabaseQueue(path: folder.path("history.db"))
        let limits = RetentionLimits(days: 30)
        let ahead = testEpoch * 1000 + 40 * 86_400_000_000
        var retention = Retention(RetentionPolicy(limits), DeletionCount(), news: news) { ahead }
        for _ in 0..<3 { try round(&retention, queue) }
        #expect(try queue.read { try Int.fetchOne($0, sql: "SELECT count(*) FROM executions") } == 300)
        let told = words.withLock { $0 }
        #expect(told == [.waits(executions: 300, of: 300, aged: 300, eventBytes: 0, limits)])
        #expect(news.isWaiting)
        try queue.close()
    }

    @Test func `a limit that was made small waits, made larger again it removes what is beyond, and tells`() throws {
        let folder = TemporaryFolder()
        try fill(folder.path("history.db"), count: 2_300)
        let words = Mutex<[RetentionWord]>([])
        let news = RetentionNews { word in words.withLock { $0.append(word) } }
        let queue = try DatabaseQueue(path: folder.path("history.db"))
        let policy = RetentionPolicy(RetentionLimits(executions: 100_000))
        var retention = Retention(policy, DeletionCount(), news: news) { testEpoch * 1000 }
        try round(&retention, queue)
        policy.limits.executions = 10
        for _ in 0..<2 { try round(&retention, queue) }
        #expect(words.withLock { $0.count } == 1)
        #expect(news.isWaiting)
        policy.limits.executions = 2_200
        try round(&retention, queue)
        #expect(try queue.read { try Int.fetchOne($0, sql: "SELECT count(*) FROM executions") } == 2_200)
        #expect(!news.isWaiting)
        #expect(news.total.surplusExecutions == 100 && news.total.eventBytes == 200)
        guard case .removed(let report, _) = words.withLock({ $0.last }) else { return #expect(Bool(false)) }
        #expect(report.surplusExecutions == 100)
        try queue.close()
    }
}
