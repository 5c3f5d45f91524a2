import Testing

@testable import Reactor

@Suite struct TimerWheelTests {
    /// Fires everything up to `tick` and returns the names in order.
    private func advance(_ wheel: inout TimerWheel, to tick: Int64, _ log: Log) -> [Int] {
        log.names = []
        while let action = wheel.popDue(at: tick) { action() }
        return log.names
    }

    private final class Log { var names: [Int] = [] }

    @Test(arguments: [1, 2, 63, 64, 65, 4_095, 4_096, 4_097, 262_143, 262_144, 1_000_000, 86_400_000 * 3] as [Int64])
    func `a timer fires at its tick and not one before`(delay: Int64) {
        for start in [0, 1, 62, 63, 64, 4_095, 262_143, 16_777_215] as [Int64] {
            var wheel = TimerWheel()
            let log = Log()
            #expect(advance(&wheel, to: start, log) == [])
            _ = wheel.insert(deadline: start + delay) { log.names.append(1) }
            #expect(advance(&wheel, to: start + delay - 1, log) == [])
            #expect(advance(&wheel, to: start + delay, log) == [1])
            #expect(wheel.count == 0)
            #expect(wheel.nextTick == nil)
        }
    }

    @Test func `a deadline in the past is due at the next tick`() {
        var wheel = TimerWheel()
        let log = Log()
        #expect(advance(&wheel, to: 100, log) == [])
        _ = wheel.insert(deadline: 5) { log.names.append(1) }
        #expect(advance(&wheel, to: 100, log) == [])
        #expect(advance(&wheel, to: 101, log) == [1])
    }

    @Test func `timers of one tick fire in the order of their scheduling, from whatever level they come`() {
        var wheel = TimerWheel()
        let log = Log()
        _ = wheel.insert(deadline: 5_000) { log.names.append(1) }
        #expect(advance(&wheel, to: 4_000, log) == [])
        _ = wheel.insert(deadline: 5_000) { log.names.append(2) }
        #expect(advance(&wheel, to: 4_990, log) == [])
        _ = wheel.insert(deadline: 5_000) { log.names.append(3) }
        #expect(advance(&wheel, to: 6_000, log) == [1, 2, 3])
    }

    @Test func `a cancelled timer never fires, and its name does not reach the one that reuses its place`() {
        var wheel = TimerWheel()
        let log = Log()
        let first = wheel.insert(deadline: 10) { log.names.append(1) }
        let wasCancelled = wheel.cancel(first)
        let second = wheel.insert(deadline: 10) { log.names.append(2) }
        let wasCancelledAgain = wheel.cancel(first)
        #expect(wasCancelled && !wasCancelledAgain)
        #expect(advance(&wheel, to: 10, log) == [2])
        let wasCancelledAfterwards = wheel.cancel(second)
        #expect(!wasCancelledAfterwards)
    }

    @Test func `the next tick is never later than the earliest deadline`() {
        var wheel = TimerWheel()
        for deadline in [70, 5_000, 300_000] as [Int64] { _ = wheel.insert(deadline: deadline) {} }
        #expect(wheel.nextTick! <= 70)
        while wheel.popDue(at: 70) != nil {}
        #expect(wheel.nextTick! > 70 && wheel.nextTick! <= 5_000)
    }

    @Test(arguments: 1...20 as ClosedRange<UInt64>)
    func `any mixture of inserts, cancels and advances fires what a sorted list fires`(seed: UInt64) {
        var random = SplitMix(state: seed)
        var wheel = TimerWheel()
        let log = Log()
        var model: [(deadline: Int64, name: Int, timer: TimerID)] = []
        var now: Int64 = Int64.random(in: 0...1 << 30, using: &random)
        #expect(advance(&wheel, to: now, log) == [])
        for name in 0..<3_000 {
            switch Int.random(in: 0..<10, using: &random) {
            case 0..<6:
                let span = Int64(1) << Int64.random(in: 0...27, using: &random)
                let deadline = now + Int64.random(in: 1...span, using: &random)
                let timer = wheel.insert(deadline: deadline) { log.names.append(name) }
                model.append((deadline, name, timer))
            case 6..<8:
                guard let index = model.indices.randomElement(using: &random) else { break }
                let wasCancelled = wheel.cancel(model.remove(at: index).timer)
                #expect(wasCancelled)
            default:
                now += Int64.random(in: 0...(1 << Int64.random(in: 0...24, using: &random)), using: &random)
                // Names rise in the order of scheduling.
                let due = model.filter { $0.deadline <= now }.sorted { ($0.deadline, $0.name) < ($1.deadline, $1.name) }
                model.removeAll { $0.deadline <= now }
                let fired = advance(&wheel, to: now, log)
                #expect(fired == due.map(\.name), "seed \(seed)")
            }
            #expect(wheel.count == model.count)
        }
    }
}

/// A small generator with a seed (SplitMix64), so that a failure can be repeated.
struct SplitMix: RandomNumberGenerator {
    var state: UInt64

    mutating func next() -> UInt64 {
        state &+= 0x9E37_79B9_7F4A_7C15
        var mixed = state
        mixed = (mixed ^ (mixed >> 30)) &* 0xBF58_476D_1CE4_E5B9
        mixed = (mixed ^ (mixed >> 27)) &* 0x94D0_49BB_1331_11EB
        return mixed ^ (mixed >> 31)
    }
}
