// What the rendered events of all executions hold in memory together, so that it stays bounded however many streams lag, and
// at however many places.
//
// Frames can be made again at any time, so those that were used longest ago are let go of when all is full; a stream that
// comes for them later has them rendered anew, a page at a time. Until there is room, streams that want more wait in line.

import Reactor

/// The account of all `FrameLog`s. Lives on the reactor's thread.
final class FrameMemory {
    /// A log that holds less than this is not worth the looking.
    private static let sweepableBytesMin = 8 << 10

    private struct Holder {
        unowned let frames: FrameLog
    }

    private let reactor: Reactor
    /// Of frames and of the records that they are made of. One page, or one event that is larger than a page, may come on top.
    private let bytesMax: Int
    private var limit: Int
    private(set) var bytes = 0
    /// The logs that hold something worth letting go of.
    private var holders: [ObjectIdentifier: Holder] = [:]
    private var waiting: [Slot] = []

    init(reactor: Reactor, bytesMax: Int) {
        self.reactor = reactor
        self.bytesMax = bytesMax
        limit = bytesMax
    }

    /// What may stay when frames are let go of: so much less that this is seldom done.
    private var sweptBytesMax: Int { bytesMax / 2 }

    /// Logs keep less than they could.
    var isTight: Bool { bytes > sweptBytesMax }

    /// Nothing may be rendered until something was let go of.
    var isFull: Bool { bytes >= limit }

    var now: Int64 { reactor.now() }

    /// Whether more may be rendered for this stream; if not, it is flushed once there is room.
    func admits(_ slot: Slot) -> Bool {
        guard isFull else { return true }
        if waiting.isEmpty {
            let confined = Confined(self, to: reactor)
            reactor.mailbox.post { reactor in confined.open(on: reactor).makeRoom() }
        }
        waiting.append(slot)
        return false
    }

    /// A log holds so much now.
    func change(by count: Int, in frames: FrameLog) {
        bytes += count
        let key = ObjectIdentifier(frames)
        if frames.heldBytes < Self.sweepableBytesMin {
            if frames.isSweepable { holders[key] = nil }
            frames.isSweepable = false
        } else if !frames.isSweepable {
            frames.isSweepable = true
            holders[key] = Holder(frames: frames)
        }
    }

    /// A log is no more.
    func forget(_ frames: FrameLog) {
        bytes -= frames.heldBytes
        if frames.isSweepable { holders[ObjectIdentifier(frames)] = nil }
    }

    /// The account is what its holders hold: in debug builds, for tests.
    func checkInvariants() {
        assert(bytes >= 0, "an account is never overdrawn")
        assert(holders.values.allSatisfy { $0.frames.isSweepable && $0.frames.heldBytes >= Self.sweepableBytesMin })
        assert(holders.values.reduce(0) { $0 + $1.frames.heldBytes } <= bytes, "no holder holds what is not accounted")
    }

    private func makeRoom() {
        for frames in holders.values.map(\.frames).sorted(by: { $0.usedAtNanoseconds < $1.usedAtNanoseconds }) {
            guard isTight else { break }
            frames.letGo()
        }
        // What is left may lie in so many small logs that there is nothing to let go of: everybody must get on all the same.
        limit = max(bytesMax, bytes + sweptBytesMax / 2)
        let slots = waiting
        waiting = []
        for slot in slots { reactor.needsFlush(slot) }
    }
}

@available(*, unavailable)
extension FrameMemory: Sendable {}
