/// Limits how often each of many parties may do something: a token bucket for each, kept as the one time at which it will
/// be full again (the generic cell rate algorithm of ATM).
package struct RateTable<Key: Hashable & Sendable> {
    /// Who comes when so many are counted already shares one bucket with all others like that.
    private let keysMax: Int
    private let intervalNanoseconds: Int64
    private let toleranceNanoseconds: Int64
    private var fullAt: [Key: Int64] = [:]
    private var othersFullAt: Int64 = .min
    private var sweptAt: Int64 = .min

    /// - Parameters:
    ///   - perMinute: what may be done in the long run; at least 1.
    ///   - burst: what may be done at once after a silence; at least 1.
    package init(perMinute: Int, burst: Int, keysMax: Int = 65_536) {
        precondition(perMinute > 0 && burst > 0 && keysMax > 0, "a limit of nothing is no limit")
        self.keysMax = keysMax
        intervalNanoseconds = max(1, 60_000_000_000 / Int64(perMinute))
        toleranceNanoseconds = intervalNanoseconds * Int64(burst - 1)
    }

    package var count: Int { fullAt.count }

    /// Takes one from the bucket of `key`.
    /// - Returns: nil, or, where there is none left, in how many seconds there will be; then nothing is taken.
    package mutating func take(_ key: Key, nowNanoseconds now: Int64) -> Int? {
        let known = fullAt[key]
        if known == nil, fullAt.count >= keysMax {
            sweep(now)
            if fullAt.count >= keysMax { return takeForOthers(now) }
        }
        var full = known ?? .min
        let wait = take(from: &full, now)
        if wait == nil { fullAt[key] = full }
        return wait
    }

    private mutating func takeForOthers(_ now: Int64) -> Int? {
        var full = othersFullAt
        defer { othersFullAt = full }
        return take(from: &full, now)
    }

    private func take(from full: inout Int64, _ now: Int64) -> Int? {
        let due = max(full, now)
        let wait = due - now - toleranceNanoseconds
        guard wait <= 0 else { return Int((wait + 999_999_999) / 1_000_000_000) }
        full = due + intervalNanoseconds
        return nil
    }

    /// Forgets the full buckets, which say nothing; not more than once a second, as it looks at all.
    private mutating func sweep(_ now: Int64) {
        guard sweptAt == .min || now - sweptAt >= 1_000_000_000 else { return }
        sweptAt = now
        fullAt = fullAt.filter { $0.value > now }
    }
}
