/// SplitMix64: the same numbers for the same seed, on every machine.
struct SeededGenerator: RandomNumberGenerator {
    private var state: UInt64

    init(seed: UInt64) {
        state = mix(seed, 0x5EED)
    }

    mutating func next() -> UInt64 {
        state &+= 0x9E37_79B9_7F4A_7C15
        return scramble(state)
    }

    /// True once in `count` times.
    mutating func oneIn(_ count: UInt64) -> Bool {
        next() % count == 0
    }
}

/// A number that depends on both, and looks like neither.
func mix(_ left: UInt64, _ right: UInt64) -> UInt64 {
    scramble(scramble(left &+ 0x9E37_79B9_7F4A_7C15) &+ right)
}

/// FNV-1a, stable across processes.
func stableHash(_ bytes: [UInt8]) -> UInt64 {
    var hash: UInt64 = 0xCBF2_9CE4_8422_2325
    for byte in bytes { hash = (hash ^ UInt64(byte)) &* 0x100_0000_01B3 }
    return hash
}

private func scramble(_ value: UInt64) -> UInt64 {
    var value = (value ^ (value >> 30)) &* 0xBF58_476D_1CE4_E5B9
    value = (value ^ (value >> 27)) &* 0x94D0_49BB_1331_11EB
    return value ^ (value >> 31)
}
