// The ends of a child's pipes, each a handler of its own on the reactor.
import DequeModule
import Linux

/// Reads one output of a child, a bounded amount per turn.
final class ChildReader: ReadinessHandler {
    /// Reads of one buffer each, per turn: 256 KiB, four times what a pipe holds.
    private static let readsPerTurnMax = 4
    /// What is read at most of a pipe that does not end although the tree is dead.
    private static let drainReadsMax = 16

    var isEnded: Bool { slot == nil }
    private(set) var isPaused = false

    private let reactor: Reactor
    private let buffer: ReadBuffer
    private let onBytes: (UnsafeRawBufferPointer) -> Void
    private let onEnd: () -> Void
    private var descriptor: Descriptor?
    private var slot: Slot?

    init(
        _ descriptor: consuming Descriptor, on reactor: Reactor, buffer: ReadBuffer,
        onBytes: @escaping (UnsafeRawBufferPointer) -> Void, onEnd: @escaping () -> Void
    ) throws(SystemError) {
        self.reactor = reactor
        self.buffer = buffer
        self.onBytes = onBytes
        self.onEnd = onEnd
        let raw = descriptor.raw
        self.descriptor = consume descriptor
        slot = try reactor.register(raw: raw, .input, self)
    }

    func pause() { isPaused = true }

    func resume() {
        isPaused = false
        askAgain()
    }

    func ready(_ readiness: Readiness) { askAgain() }

    func flush() {
        if read(atMost: Self.readsPerTurnMax) { askAgain() }
    }

    /// Takes what the pipe holds and ends it, whoever else may still have it open.
    func drain() {
        _ = read(atMost: Self.drainReadsMax)
        close()
    }

    func close() {
        guard let slot = slot.take() else { return }
        reactor.deregister(slot)
        descriptor = nil
    }

    private func askAgain() {
        if let slot { reactor.needsFlush(slot) }
    }

    /// True when there may be more.
    private func read(atMost reads: Int) -> Bool {
        for _ in 0..<reads {
            // A callback may have paused or closed the reader.
            if isPaused || slot == nil { return false }
            switch readOnce() {
            case .bytes(let count): onBytes(UnsafeRawBufferPointer(rebasing: buffer.bytes[..<count]))
            case .wouldBlock: return false
            case .endOfStream, .closedByPeer:
                close()
                onEnd()
                return false
            }
        }
        return true
    }

    private func readOnce() -> Transfer {
        do {
            return try descriptor?.read(into: buffer.bytes) ?? .endOfStream
        } catch {
            preconditionFailure("a pipe that we own: \(error)")
        }
    }
}

/// Writes the input of a child; what the pipe does not take waits in a queue.
final class ChildWriter: ReadinessHandler {
    /// As much as a pipe holds by default; more waits for the next turn.
    private static let bytesPerTurnMax = 65_536
    /// Pieces up to this size are put together, so that what comes within a turn goes out in one write.
    private static let joinedBytesMax = 16_384

    private(set) var unsentBytes = 0

    private let reactor: Reactor
    private let onDrained: () -> Void
    private var descriptor: Descriptor?
    private var slot: Slot?
    private var queue: Deque<[UInt8]> = []
    /// How much of the first piece is written.
    private var offset = 0
    private var isFinishing = false

    init(
        _ descriptor: consuming Descriptor, on reactor: Reactor, onDrained: @escaping () -> Void
    ) throws(SystemError) {
        self.reactor = reactor
        self.onDrained = onDrained
        let raw = descriptor.raw
        self.descriptor = consume descriptor
        slot = try reactor.register(raw: raw, .output, self)
    }

    /// Queues the bytes; those for a reader that is gone are dropped.
    func write(_ bytes: [UInt8]) {
        precondition(!isFinishing, "no input follows its end")
        guard let slot, !bytes.isEmpty else { return }
        // The first piece may be half written.
        if let last = queue.last, queue.count > 1 || offset == 0, last.count + bytes.count <= Self.joinedBytesMax {
            queue[queue.count - 1].append(contentsOf: bytes)
        } else {
            queue.append(bytes)
        }
        unsentBytes += bytes.count
        reactor.needsFlush(slot)
    }

    /// Closes the pipe once the queue is written.
    func finish() {
        isFinishing = true
        if queue.isEmpty { close() }
    }

    func close() {
        queue = []
        unsentBytes = 0
        guard let slot = slot.take() else { return }
        reactor.deregister(slot)
        descriptor = nil
    }

    func ready(_ readiness: Readiness) {
        // Without a reader the pipe would tell so at the next write only, which may never come.
        if readiness.contains(.failed) { return breakOff() }
        if let slot, !queue.isEmpty { reactor.needsFlush(slot) }
    }

    func flush() {
        var budget = Self.bytesPerTurnMax
        while let first = queue.first {
            if budget <= 0 {
                if let slot { reactor.needsFlush(slot) }
                return
            }
            switch writeOnce(first) {
            case .bytes(let count):
                budget -= count
                advance(count, of: first.count)
            case .wouldBlock: return
            case .endOfStream, .closedByPeer: return breakOff()
            }
        }
        if isFinishing { close() }
        onDrained()
    }

    private func advance(_ count: Int, of total: Int) {
        unsentBytes -= count
        offset += count
        if offset < total { return }
        queue.removeFirst()
        offset = 0
    }

    private func breakOff() {
        let hadInput = !queue.isEmpty
        close()
        if hadInput { onDrained() }
    }

    private func writeOnce(_ bytes: [UInt8]) -> Transfer {
        do {
            return try bytes.withUnsafeBytes { buffer throws(SystemError) in
                try descriptor?.write(UnsafeRawBufferPointer(rebasing: buffer[offset...])) ?? .closedByPeer
            }
        } catch {
            preconditionFailure("a pipe that we own: \(error)")
        }
    }
}

/// The socket to a child's millrace-exec: orders go out, lines come in.
final class ChildControl: ReadinessHandler {
    private(set) var isEnded = false

    private let reactor: Reactor
    private let descriptor: Descriptor
    private let onLine: (String) -> Void
    private let onEnd: () -> Void
    private var slot: Slot?
    private var partialLine: [UInt8] = []

    init(
        _ descriptor: consuming Descriptor, on reactor: Reactor, onLine: @escaping (String) -> Void,
        onEnd: @escaping () -> Void
    ) throws(SystemError) {
        self.reactor = reactor
        self.descriptor = descriptor
        self.onLine = onLine
        self.onEnd = onEnd
        slot = try reactor.register(self.descriptor, .input, self)
    }

    /// SIGTERM to the tree, and SIGKILL after the grace.
    func terminate(graceMilliseconds: Int64) {
        let order = Array("T\(max(0, graceMilliseconds))\n".utf8)
        _ = order.withUnsafeBytes { try? descriptor.send($0) }
    }

    /// SIGKILL to the tree: the helper sees the end of our side, and can still report.
    func kill() { descriptor.shutDown(.sending) }

    func close() {
        if let slot = slot.take() { reactor.deregister(slot) }
    }

    func ready(_ readiness: Readiness) {
        withUnsafeTemporaryAllocation(byteCount: 1_024, alignment: 1) { buffer in
            // A helper sends a few lines in its life, so this ends soon.
            while slot != nil, case .bytes(let count) = receive(into: buffer) {
                take(buffer[..<count])
            }
        }
    }

    private func receive(into buffer: UnsafeMutableRawBufferPointer) -> Transfer {
        let transfer = (try? descriptor.receive(into: buffer)) ?? .closedByPeer
        if transfer == .endOfStream || transfer == .closedByPeer {
            close()
            isEnded = true
            onEnd()
        }
        return transfer
    }

    private func take(_ bytes: Slice<UnsafeMutableRawBufferPointer>) {
        for byte in bytes {
            if byte != UInt8(ascii: "\n") {
                partialLine.append(byte)
                continue
            }
            onLine(String(decoding: partialLine, as: UTF8.self))
            partialLine = []
        }
    }
}

/// The one buffer that all pipes of a reactor read into, one after another.
final class ReadBuffer {
    /// What a pipe holds by default (pipe(7)).
    static let bytesMax = 65_536

    let bytes = UnsafeMutableRawBufferPointer.allocate(byteCount: bytesMax, alignment: 16)

    deinit { bytes.deallocate() }
}
