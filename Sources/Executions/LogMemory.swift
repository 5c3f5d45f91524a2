import Synchronization

/// What the logs of all executions hold in memory together, so that it stays bounded however many executions run.
///
/// Each log keeps a window of what is stored already. When all of them hold more than `bytesMax`, the windows go: readers are
/// sent to the store. Then only what is not stored yet is left; if even that grows beyond twice as much, since the history
/// cannot be written, executions pause until it can.
package final class LogMemory: Sendable {
    package static let standardBytesMax = 256 << 20

    private let bytesMax: Int
    private let held = Atomic<Int>(0)

    package init(bytesMax: Int = LogMemory.standardBytesMax) {
        self.bytesMax = bytesMax
    }

    package var bytes: Int { held.load(ordering: .relaxed) }

    /// Logs must do without their windows.
    package var isTight: Bool { bytes > bytesMax }

    /// Nothing may be added that can wait.
    package var isExhausted: Bool { bytes > 2 * bytesMax }

    func change(by count: Int) {
        held.add(count, ordering: .relaxed)
    }
}
