import Glibc
import Linux
import Synchronization
import Testing

@Suite struct KernelObjectTests {
    @Test func `a counter takes what was signalled, once`() throws {
        let counter = try EventCounter()
        var taken = [counter.take()]
        counter.signal()
        counter.signal()
        taken += [counter.take(), counter.take()]
        #expect(taken == [0, 2, 0])
    }

    @Test func `a timer descriptor expires after its deadline, and not when it is disarmed`() throws {
        let timer = try TimerDescriptor()
        try timer.arm(deadlineNanoseconds: SystemClock.monotonicNanoseconds() + 1_000_000)
        var poll = pollfd(fd: timer.descriptor.raw, events: Int16(POLLIN), revents: 0)
        #expect(Glibc.poll(&poll, 1, 30_000) == 1)
        #expect([timer.takeExpiry(), timer.takeExpiry()] == [true, false])
        try timer.arm(deadlineNanoseconds: 1)
        try timer.arm(deadlineNanoseconds: 0)
        #expect([timer.takeExpiry()] == [false])
    }

    @Test func `a blocked signal is read with its sender`() throws {
        Signals.block([.user2])
        defer { Signals.unblock([.user2]) }
        let signals = try SignalDescriptor([.user2])
        let early = signals.next()
        #expect(early?.signal == nil)
        Signals.sendToCurrentThread(.user2)
        let next = signals.next()
        #expect(next?.signal == .user2)
        #expect(next?.sender == getpid())
        let late = signals.next()
        #expect(late?.signal == nil)
    }

    @Test func `a thread has its name, its id, and its body runs once`() throws {
        let seen = Seen()
        let thread = try spawnThread(name: "a-name-that-is-too-long") { seen.note() }
        thread.join()
        #expect(seen.names == ["a-name-that-is-\n"])
        #expect(seen.ids.count == 1)
        #expect(seen.ids[0] != ThreadID.current)
    }

    private final class Seen: Sendable {
        private let state = Mutex<(names: [String], ids: [ThreadID])>(([], []))
        var names: [String] { state.withLock { $0.names } }
        var ids: [ThreadID] { state.withLock { $0.ids } }

        func note() {
            let path = "/proc/self/task/\(ThreadID.current)/comm"
            let name = String(decoding: (try? SmallFile.read(path, bytesMax: 64)) ?? [], as: UTF8.self)
            state.withLock {
                $0.names.append(name)
                $0.ids.append(.current)
            }
        }
    }

    @Test func `the limit of descriptors is raised to the hard one`() async {
        await #expect(processExitsWith: .success) {
            try DescriptorLimit.set(soft: 100)
            let raised = try DescriptorLimit.raiseToMaximum()
            let limit = try DescriptorLimit.current()
            precondition(raised == limit.hard && limit.soft == limit.hard && raised > 100)
        }
    }

    @Test func `the clocks run, the wall clock since 1970`() {
        let first = SystemClock.monotonicNanoseconds()
        #expect(SystemClock.monotonicNanoseconds() >= first)
        #expect(SystemClock.wallMicroseconds() > 1_700_000_000_000_000)
        #expect(abs(SystemClock.wallMicroseconds() / 1_000_000 - Int64(time(nil))) <= 1)
    }
}
