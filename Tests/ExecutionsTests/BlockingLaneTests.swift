import Executions
import Glibc
import Linux
import Synchronization
import Testing

@Suite struct BlockingLaneTests {
    /// Holds a job until it is opened.
    private final class Gate: Sendable {
        private let semaphore = Semaphore()
        func open() { semaphore.signal() }
        func pass() { semaphore.wait() }
    }

    @Test func `jobs of one thread run in the order they came`() async throws {
        let lane = BlockingLane(name: "test", threads: 1, jobsMax: 1)
        let order = Mutex<[Int]>([])
        for number in 0..<1_000 { lane.submit { order.withLock { $0.append(number) } } }
        try lane.start()
        await withCheckedContinuation { continuation in lane.submit { continuation.resume() } }
        #expect(order.withLock { $0 } == Array(0..<1_000))
        lane.stop()
    }

    @Test func `one job at the limit is taken, and one past it is refused and never runs`() async throws {
        let lane = BlockingLane(name: "test", threads: 1, jobsMax: 3)
        let ran = Mutex(0)
        for _ in 0..<3 { #expect(lane.offer { ran.withLock { $0 += 1 } }) }
        #expect(!lane.offer { ran.withLock { $0 += 1 } })
        try lane.start()
        await withCheckedContinuation { continuation in lane.submit { continuation.resume() } }
        #expect(ran.withLock { $0 } == 3)
        #expect(lane.offer {})
        lane.stop()
    }

    @Test func `an owner leaves threads to others, and who waits goes on when one of its own ends`() async throws {
        let lane = BlockingLane(name: "test", threads: 4, jobsMax: 100)
        let story = Mutex<[String]>([])
        let gates = (0..<4).map { _ in Gate() }
        let began = Gate()
        for index in 0..<4 {
            lane.submit(of: "greedy") {
                story.withLock { $0.append("greedy \(index)") }
                began.open()
                gates[index].pass()
            }
        }
        try lane.start()
        began.pass()
        began.pass()
        // Two hold a thread each and do not end; what others ask for is done all the same.
        for _ in 0..<20 {
            await withCheckedContinuation { continuation in lane.submit(of: "other") { continuation.resume() } }
        }
        #expect(story.withLock { $0 }.sorted() == ["greedy 0", "greedy 1"])
        #expect(lane.waitingCount == 2)
        for gate in gates { gate.open() }
        began.pass()
        began.pass()
        #expect(story.withLock { $0 }.count == 4)
        lane.stop()
    }

    @Test func `the steps of a long job let others have their turn`() async throws {
        let lane = BlockingLane(name: "test", threads: 1, jobsMax: 10)
        let order = Mutex<[String]>([])
        @Sendable func step(_ number: Int, _ end: @escaping @Sendable () -> Void) {
            order.withLock { $0.append("step \(number)") }
            if number == 3 { end() } else { lane.submit { step(number + 1, end) } }
        }
        await withCheckedContinuation { continuation in
            lane.submit { step(1) { continuation.resume() } }
            lane.submit { order.withLock { $0.append("short") } }
            do { try lane.start() } catch { Issue.record("\(error)") }
        }
        #expect(order.withLock { $0 } == ["step 1", "short", "step 2", "step 3"])
        lane.stop()
    }

    @Test func `a stop waits for what runs, and lets go of what waits`() async throws {
        final class Held: Sendable {
            let onEnd: @Sendable () -> Void
            init(_ onEnd: @escaping @Sendable () -> Void) { self.onEnd = onEnd }
            deinit { onEnd() }
        }
        let lane = BlockingLane(name: "test", threads: 1, jobsMax: 10)
        let (began, gate) = (Gate(), Gate())
        let story = Mutex<[String]>([])
        lane.submit {
            began.open()
            gate.pass()
            story.withLock { $0.append("ended") }
        }
        do {
            let held = Held { story.withLock { $0.append("freed") } }
            lane.submit {
                story.withLock { $0.append("ran") }
                withExtendedLifetime(held) {}
            }
        }
        try lane.start()
        began.pass()
        let opener = try spawnThread(name: "opener") {
            while lane.waitingCount > 0 { sched_yield() }
            gate.open()
        }
        lane.stop()
        opener.join()
        #expect(story.withLock { $0 } == ["ended", "freed"])
        #expect(!lane.offer {})
    }

    @Test func `a lane in the background is nicer than others`() async throws {
        let lane = BlockingLane(name: "test", threads: 1, jobsMax: 1, scheduling: .background(niceness: 7))
        try lane.start()
        let niceness: Int32 = await withCheckedContinuation { continuation in
            lane.submit { continuation.resume(returning: self.niceness(of: id_t(ThreadID.current.rawValue))) }
        }
        #expect(niceness == 7)
        #expect(self.niceness(of: 0) != 7)
        lane.stop()
    }

    /// getpriority(2) of a thread; 0 stands for the caller's.
    private func niceness(of thread: id_t) -> Int32 { getpriority(__priority_which_t(PRIO_PROCESS.rawValue), thread) }
}
