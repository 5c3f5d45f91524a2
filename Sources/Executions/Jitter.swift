/// By how much retries come earlier than their delay says, so that what failed together does not come back together. A value:
/// who drives a machine gives the seed (SplitMix64).
struct Jitter: Sendable {
    private var state: UInt64?

    init(_ seed: UInt64?) {
        state = seed
    }

    /// Half the delay at least, all of it at most.
    mutating func delay(milliseconds: Double) -> Int64 {
        guard let before = state else { return Int64(milliseconds.rounded(.up)) }
        state = before &+ 0x9E37_79B9_7F4A_7C15
        var mixed = before &+ 0x9E37_79B9_7F4A_7C15
        mixed = (mixed ^ (mixed >> 30)) &* 0xBF58_476D_1CE4_E5B9
        mixed = (mixed ^ (mixed >> 27)) &* 0x94D0_49BB_1331_11EB
        mixed ^= mixed >> 31
        let share = Double(mixed >> 11) / Double(UInt64(1) << 53)
        return Int64((milliseconds * (0.5 + share / 2)).rounded(.up))
    }
}
