/// Makes a removal of most of the history wait, for such a one is mostly a mistake: a setting with a digit too few, a clock
/// that has leapt. It is announced, and goes on when the time is over with settings and clock as they were.
struct RemovalBrake {
    /// So many executions go without a word whatever share of the history they are, by their number or their bytes, and by
    /// their age, which depends on a clock.
    static let executionsMax = 1_000
    static let agedMax = 100
    /// By more the wall clock has not run beside the monotonic one, but was set.
    static let leapMicroseconds: Int64 = 3_600_000_000

    /// What is about to be removed.
    struct Plan: Equatable {
        var executions = 0
        /// Those of `executions` that are too old.
        var aged = 0
        var surplus = 0
        var surplusBytes = 0

        /// Of a history with so many executions, and bytes of events.
        func isLarge(of total: (executions: Int, eventBytes: Int)) -> Bool {
            let half = total.executions / 2
            return aged > max(half, RemovalBrake.agedMax) || surplus > max(half, RemovalBrake.executionsMax)
                || total.executions > RemovalBrake.executionsMax && surplusBytes > total.eventBytes / 2
        }
    }

    private struct Wait {
        let limits: RetentionLimits
        let untilNanoseconds: UInt64
        /// How far the wall clock was ahead of the monotonic one.
        let clockLead: Int64
    }

    private var wait: Wait?
    /// The removal that was waited for goes on until nothing is left of it.
    private var released: RetentionLimits?

    var isHolding: Bool { wait != nil }

    enum Verdict: Equatable {
        case goOn
        case waits(isNew: Bool)
        /// It has waited long enough.
        case released
    }

    mutating func judge(
        isLarge: Bool, _ limits: RetentionLimits, wallMicroseconds: Int64, monotonicNanoseconds: UInt64
    ) -> Verdict {
        guard isLarge else {
            (wait, released) = (nil, nil)
            return .goOn
        }
        if released == limits || limits.largeRemovalDelayMilliseconds == 0 { return .goOn }
        let clockLead = wallMicroseconds - Int64(monotonicNanoseconds / 1_000)
        if let wait, wait.limits == limits, abs(wait.clockLead - clockLead) < Self.leapMicroseconds {
            guard monotonicNanoseconds >= wait.untilNanoseconds else { return .waits(isNew: false) }
            (self.wait, released) = (nil, limits)
            return .released
        }
        let delay = UInt64(limits.largeRemovalDelayMilliseconds) * 1_000_000
        wait = Wait(limits: limits, untilNanoseconds: monotonicNanoseconds + delay, clockLead: clockLead)
        return .waits(isNew: true)
    }
}
