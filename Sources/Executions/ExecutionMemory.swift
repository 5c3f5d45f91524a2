import Synchronization

/// What all executions hold in memory together: the one account, in bytes, that admission, take-up and readers go by.
///
/// It is an estimate from below: what the allocator adds, and what lives for a moment only, is in no share. As the account fills
/// up, what can be had again goes first: beyond three quarters of it logs and streams keep only what the history does not have.
/// Once it is full, executions wait in the queue, and new nodes start only in the oldest (`NodeTurns`). If what the
/// history has not taken grows to twice as much, since it cannot be written, all executions pause until it can.
package final class ExecutionMemory: Sendable {
    package enum Share: Int, CaseIterable, Sendable {
        /// Events that are not stored yet, and windows of those that are.
        case logs
        /// Values of states that machines and renderers hold, each once however many states share it; and what a run needs
        /// however small its state is.
        case states
        /// What nodes have put out, until their run looks at it.
        case outputs
        /// Rendered events, and the records that they are made of.
        case frames
        /// Bodies of requests, as far as they have come.
        case bodies
        /// What programs that compute inside the daemon may use together (`ProgramPlaces`).
        case programs
    }

    /// Programs have a bound of their own: however small the account, they take no more of it.
    private static let programsShare = 4

    /// A process without a configuration: a small one.
    package static let standardBytesMax = 256 << 20

    package let bytesMax: Int
    private let logs = Atomic<Int>(0)
    private let states = Atomic<Int>(0)
    private let outputs = Atomic<Int>(0)
    private let frames = Atomic<Int>(0)
    private let bodies = Atomic<Int>(0)
    private let programs = Atomic<Int>(0)

    package init(bytesMax: Int = ExecutionMemory.standardBytesMax) {
        self.bytesMax = bytesMax
    }

    package var bytes: Int {
        Share.allCases.reduce(0) {
            $0 + ($1 == .programs ? min(bytes(of: $1), bytesMax / Self.programsShare) : bytes(of: $1))
        }
    }

    package func bytes(of share: Share) -> Int {
        switch share {
        case .logs: logs.load(ordering: .relaxed)
        case .states: states.load(ordering: .relaxed)
        case .outputs: outputs.load(ordering: .relaxed)
        case .frames: frames.load(ordering: .relaxed)
        case .bodies: bodies.load(ordering: .relaxed)
        case .programs: programs.load(ordering: .relaxed)
        }
    }

    /// What is stored must leave memory.
    package var isTight: Bool { bytes > bytesMax / 4 * 3 }

    /// Nothing begins that can wait.
    package var isFull: Bool { bytes >= bytesMax }

    /// The history takes nothing, and what waits for it has taken all the room that there is for it.
    package var isExhausted: Bool { bytes(of: .logs) + bytes(of: .outputs) > 2 * bytesMax }

    package func change(_ share: Share, by count: Int) {
        switch share {
        case .logs: logs.add(count, ordering: .relaxed)
        case .states: states.add(count, ordering: .relaxed)
        case .outputs: outputs.add(count, ordering: .relaxed)
        case .frames: frames.add(count, ordering: .relaxed)
        case .bodies: bodies.add(count, ordering: .relaxed)
        case .programs: programs.add(count, ordering: .relaxed)
        }
    }

    /// Traps when more was given back than was taken. Meant for debug builds.
    package func checkInvariants() {
        for share in Share.allCases { precondition(bytes(of: share) >= 0, "the share \(share) is below nothing") }
    }
}

/// Bytes that are in the account for as long as anybody holds on to this. Whoever shares what they stand for shares this too, so
/// that it counts once, and until the last of them has let go.
package final class MemoryCharge: Sendable {
    /// Less than this is not worth a charge of its own: a run's own share stands for it.
    package static let bytesMin = 1024

    private let memory: ExecutionMemory
    private let share: ExecutionMemory.Share
    private let bytes: Int

    package init(_ memory: ExecutionMemory, _ share: ExecutionMemory.Share, bytes: Int) {
        self.memory = memory
        self.share = share
        self.bytes = bytes
        memory.change(share, by: bytes)
    }

    /// Nil where there is no account, and for little.
    package static func ifLarge(_ memory: ExecutionMemory?, bytes: @autoclosure () -> Int) -> MemoryCharge? {
        guard let memory else { return nil }
        let bytes = bytes()
        return bytes < bytesMin ? nil : MemoryCharge(memory, .states, bytes: bytes)
    }

    deinit { memory.change(share, by: -bytes) }
}
