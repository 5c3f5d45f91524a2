import Testing

@testable import Nodes

/// The decisions alone: no process runs here.
@Suite struct PythonRosterTests {
    private final class Table {
        var roster: PythonRoster
        private var lastNumber = 0
        var now: UInt64 = 0

        init(workersMax: Int) {
            roster = PythonRoster(workersMax: workersMax, idleMilliseconds: 1000)
        }

        func call(
            _ key: String = "a", function: String = "f", bytes: Int = 2, isIdempotent: Bool = true
        ) -> PythonCall {
            lastNumber += 1
            return PythonCall(
                number: lastNumber,
                key: PythonKey(graphID: key, folder: nil, ownFolder: "", program: "python3", fingerprint: ""),
                function: function, bytes: bytes, isIdempotent: isIdempotent)
        }

        func terminated(_ actions: [PythonRoster.Action]) -> [Int] {
            actions.compactMap { action in
                if case .terminate(let worker, _) = action { worker.id } else { nil }
            }
        }

        func failed(_ actions: [PythonRoster.Action]) -> [Int] {
            actions.compactMap { action in
                if case .post(let call, .failed) = action { call.number } else { nil }
            }
        }

        /// The worker that a plain call has begun in.
        func begun(_ call: PythonCall) -> WorkerProcess? {
            guard let worker = submit(call) else { return nil }
            _ = say(##"{"began":#}"##, for: call, in: worker)
            return worker
        }

        /// Which worker each call got, with the call's number.
        func assignments(_ actions: [PythonRoster.Action]) -> [(call: Int, worker: WorkerProcess)] {
            actions.compactMap { action in
                guard case .post(let call, .assigned(let worker, _, _)) = action else { return nil }
                return (call.number, worker)
            }
        }

        func submit(_ call: PythonCall) -> WorkerProcess? {
            assignments(roster.submit(call)).first { $0.call == call.number }?.worker
        }

        func say(_ words: String, for call: PythonCall, in worker: WorkerProcess) -> [(
            call: Int, worker: WorkerProcess
        )] {
            let message = WorkerMessage(Array(words.replacing("#", with: "\(call.number)").utf8))
            return assignments(roster.received([message].compactMap(\.self), from: worker, at: now))
        }

        /// What calls are told when the worker says this.
        func told(_ words: String, for call: PythonCall, in worker: WorkerProcess) -> [String] {
            let message = WorkerMessage(Array(words.replacing("#", with: "\(call.number)").utf8))
            return roster.received([message].compactMap(\.self), from: worker, at: now).compactMap { action in
                guard case .post(let call, let news) = action else { return nil }
                return switch news {
                case .blocked: "blocked \(call.number)"
                case .unblocked: "unblocked \(call.number)"
                case .replied: "replied \(call.number)"
                default: nil
                }
            }
        }

        func end(_ call: PythonCall, in worker: WorkerProcess) -> [(call: Int, worker: WorkerProcess)] {
            say(##"{"update":#,"value":{}}"##, for: call, in: worker)
        }

        /// A worker with its first coroutine.
        func shared(bytes: Int = 2) throws -> (WorkerProcess, PythonCall) {
            let probe = call(bytes: bytes)
            let worker = try #require(submit(probe))
            _ = say(##"{"began":#,"async":true}"##, for: probe, in: worker)
            return (worker, probe)
        }
    }

    @Test func `one worker takes so many coroutines, and the next one waits or has another`() throws {
        for workersMax in [1, 2] {
            let table = Table(workersMax: workersMax)
            let (worker, probe) = try table.shared()
            for _ in 1..<PythonRoster.sharedCallsMax { #expect(table.submit(table.call())?.id == worker.id) }
            let late = table.call()
            let other = table.submit(late)
            if workersMax == 2 {
                #expect(other != nil && other?.id != worker.id)
            } else {
                #expect(other == nil && table.roster.counts.waiting == 1)
                #expect(table.end(probe, in: worker).map(\.call) == [late.number])
            }
        }
    }

    @Test func `one worker takes so many bytes of requests`() throws {
        let table = Table(workersMax: 1)
        let half = PythonRoster.sharedBytesMax / 2
        let (worker, probe) = try table.shared(bytes: half)
        #expect(table.submit(table.call(bytes: half))?.id == worker.id)
        let late = table.call(bytes: 1)
        #expect(table.submit(late) == nil)
        #expect(table.end(probe, in: worker).map(\.call) == [late.number])
    }

    @Test func `calls of a function that nobody knows wait for its probe`() throws {
        let table = Table(workersMax: 4)
        let probe = table.call()
        let worker = try #require(table.submit(probe))
        let others = (0..<3).map { _ in table.call() }
        for other in others { #expect(table.submit(other) == nil) }
        #expect(table.submit(table.call(function: "g")) != nil)
        let assigned = table.say(##"{"began":#}"##, for: probe, in: worker)
        // Four workers at the most: the probe's, that of g, and two more.
        #expect(assigned.map(\.call) == others.prefix(2).map(\.number))
        #expect(Set(assigned.map(\.worker.id)).count == 2)
    }

    @Test func `a probe that ends without a word hands its task on`() throws {
        let table = Table(workersMax: 4)
        let probe = table.call()
        let worker = try #require(table.submit(probe))
        let others = (0..<3).map { _ in table.call() }
        for other in others { #expect(table.submit(other) == nil) }
        #expect(table.say(##"{"error":#,"message":"no"}"##, for: probe, in: worker).map(\.call) == [others[0].number])
        _ = table.roster.cancel(others[1])
        let failure = table.roster.workerEnded(worker, .cancelled)
        #expect(table.assignments(failure).map(\.call) == [others[2].number])
    }

    @Test func `a probe that is withdrawn while it waits hands its task on`() throws {
        let table = Table(workersMax: 1)
        let first = table.call("b")
        let worker = try #require(table.submit(first))
        // One more for a graph that has none, and then no more.
        #expect(table.submit(table.call("c")) != nil)
        let (probe, other) = (table.call(), table.call())
        #expect(table.submit(probe) == nil)
        #expect(table.submit(other) == nil)
        _ = table.roster.cancel(probe)
        #expect(table.roster.counts.waiting == 1)
        // The worker of b has to leave first.
        #expect(table.end(first, in: worker).isEmpty)
        #expect(table.assignments(table.roster.workerEnded(worker, .cancelled)).map(\.call) == [other.number])
    }

    @Test func `coroutines that wait for room have another worker once theirs is gone`() throws {
        let table = Table(workersMax: 1)
        let (worker, _) = try table.shared()
        for _ in 1..<PythonRoster.sharedCallsMax { _ = table.submit(table.call()) }
        let late = (0..<2).map { _ in table.call() }
        for call in late { #expect(table.submit(call) == nil) }
        let assigned = table.assignments(table.roster.workerEnded(worker, .cancelled))
        #expect(assigned.map(\.call) == late.map(\.number))
        #expect(Set(assigned.map(\.worker.id)).count == 1)
    }

    // MARK: Turns

    @Test func `a graph without a worker gets one beyond the limit, up to twice the limit`() throws {
        let table = Table(workersMax: 2)
        for _ in 0..<2 { #expect(table.begun(table.call("a")) != nil) }
        #expect(table.submit(table.call("a")) == nil)
        #expect(table.submit(table.call("b")) != nil)
        #expect(table.submit(table.call("b")) == nil)
        #expect(table.submit(table.call("c")) != nil)
        #expect(table.submit(table.call("d")) == nil)
    }

    @Test func `a worker leaves for a graph that has two fewer, or that has none when its turn is over`() throws {
        let table = Table(workersMax: 1)
        let first = table.call("a")
        let a = try #require(table.begun(first))
        let second = table.call("b")
        let b = try #require(table.begun(second))
        let late = ["a", "b", "c"].map { table.call($0) }
        for call in late { #expect(table.submit(call) == nil) }
        // Both graphs have one, and c none; they go on as long as their turn is not over.
        #expect(table.end(first, in: a).map(\.call) == [late[0].number])
        table.now = PythonRoster.turnNanoseconds
        let ended = table.roster.received(
            [try #require(WorkerMessage(Array(##"{"update":\##(second.number),"value":{}}"##.utf8)))], from: b,
            at: table.now)
        #expect(table.assignments(ended).isEmpty && table.terminated(ended) == [b.id])
        #expect(table.assignments(table.roster.workerEnded(b, .cancelled)).map(\.call) == [late[2].number])
    }

    @Test func `the graphs have turns, whatever the order in which their calls came`() throws {
        let table = Table(workersMax: 1)
        let first = table.call("a")
        let worker = try #require(table.begun(first))
        let (b, c) = (table.call("b"), table.call("c"))
        let other = try #require(table.begun(b))
        let waiting = (0..<3).map { _ in table.call("a") } + [c, table.call("b")]
        for call in waiting { #expect(table.submit(call) == nil) }
        #expect(table.end(first, in: worker).map(\.call) == [waiting[0].number])
        #expect(table.end(waiting[0], in: worker).map(\.call) == [waiting[1].number])
        #expect(table.end(b, in: other).map(\.call) == [waiting[4].number])
    }

    // MARK: Beginnings

    @Test func `a call that has not begun is withdrawn at once, and its worker goes on loading`() throws {
        let table = Table(workersMax: 1)
        let call = table.call()
        let worker = try #require(table.submit(call))
        let next = table.call()
        #expect(table.submit(next) == nil)
        let actions = table.roster.cancel(call)
        #expect(table.terminated(actions).isEmpty && table.failed(actions) == [call.number])
        #expect(table.say(##"{"cancelled":#}"##, for: call, in: worker).map(\.call) == [next.number])
        _ = table.say(##"{"began":#}"##, for: next, in: worker)
        #expect(table.terminated(table.roster.cancel(next)) == [worker.id])
    }

    @Test func `a function that begins although its call was withdrawn is ended`() throws {
        let table = Table(workersMax: 1)
        let call = table.call()
        let worker = try #require(table.submit(call))
        _ = table.roster.cancel(call)
        let message = try #require(WorkerMessage(Array(#"{"began":\#(call.number)}"#.utf8)))
        #expect(table.terminated(table.roster.received([message], from: worker, at: 0)) == [worker.id])
    }

    @Test func `a worker that does not begin in time is ended, and one that has begun is not`() throws {
        let table = Table(workersMax: 1)
        let call = table.call()
        let worker = try #require(table.submit(call))
        let actions = table.roster.startTimeIsOver(for: call, in: worker)
        #expect(table.terminated(actions) == [worker.id] && table.failed(actions) == [call.number])
        #expect(table.roster.startTimeIsOver(for: call, in: worker).isEmpty)
        let other = Table(workersMax: 1)
        let begun = other.call()
        let busy = try #require(other.begun(begun))
        #expect(other.roster.startTimeIsOver(for: begun, in: busy).isEmpty)
    }

    @Test func `coroutines beside one that has to be ended begin anew elsewhere, unless they must not`() throws {
        let table = Table(workersMax: 2)
        let (worker, culprit) = try table.shared()
        let others = [table.call(), table.call(isIdempotent: false), table.call(isIdempotent: false)]
        for call in others { #expect(table.submit(call)?.id == worker.id) }
        _ = table.say(##"{"began":#,"async":true}"##, for: others[0], in: worker)
        _ = table.say(##"{"began":#,"async":true}"##, for: others[1], in: worker)
        _ = table.roster.cancel(culprit)
        let actions = table.roster.graceIsOver(for: culprit)
        #expect(table.terminated(actions) == [worker.id])
        // The last one has not begun.
        #expect(table.assignments(actions).map(\.call) == [others[0].number, others[2].number])
        #expect(table.assignments(actions).allSatisfy { $0.worker.id != worker.id })
        #expect(
            table.failed(table.roster.workerEnded(worker, .cancelled)).sorted() == [culprit.number, others[1].number])
    }

    @Test func `while one blocks its process the others stand still, and it can be cancelled for them without harm`()
        throws
    {
        let table = Table(workersMax: 4)
        let (worker, blocker) = try table.shared()
        let (patient, cancelled) = (table.call(), table.call())
        for neighbour in [patient, cancelled] {
            #expect(table.submit(neighbour) === worker)
            _ = table.say(##"{"began":#,"async":true}"##, for: neighbour, in: worker)
        }
        #expect(
            table.told(##"{"blocked":#}"##, for: blocker, in: worker) == [
                "blocked \(patient.number)", "blocked \(cancelled.number)",
            ])
        _ = table.roster.cancel(cancelled)
        let actions = table.roster.graceIsOver(for: cancelled)
        #expect(table.terminated(actions).isEmpty && table.failed(actions) == [cancelled.number])
        #expect(table.told(##"{"unblocked":#}"##, for: blocker, in: worker) == ["unblocked \(patient.number)"])
        #expect(table.roster.blockedTimeIsOver(for: worker, blocks: 1).isEmpty)
        _ = table.end(blocker, in: worker)
        #expect(table.submit(table.call()) === worker, "it serves on")
    }

    @Test func `whoever blocks its process for long has it alone, and the others begin anew elsewhere`() throws {
        let table = Table(workersMax: 4)
        let (worker, blocker) = try table.shared()
        let neighbour = table.call()
        let once = table.call(isIdempotent: false)
        for call in [neighbour, once] {
            #expect(table.submit(call) === worker)
            _ = table.say(##"{"began":#,"async":true}"##, for: call, in: worker)
        }
        _ = table.say(##"{"blocked":#}"##, for: blocker, in: worker)
        let actions = table.roster.blockedTimeIsOver(for: worker, blocks: 1)
        #expect(table.terminated(actions).isEmpty)
        let moved = table.assignments(actions)
        #expect(moved.map(\.call) == [neighbour.number])
        let other = try #require(moved.first?.worker)
        #expect(other !== worker)
        // What the old one still says of it means nothing.
        #expect(table.told(##"{"update":#,"value":{}}"##, for: neighbour, in: worker).isEmpty)
        _ = table.end(once, in: worker)
        let last = WorkerMessage(Array(##"{"update":\##(blocker.number),"value":{}}"##.utf8))
        let ended = table.roster.received([last].compactMap(\.self), from: worker, at: 0)
        #expect(table.terminated(ended) == [worker.id], "it leaves")
        #expect(table.told(##"{"update":#,"value":{}}"##, for: neighbour, in: other) == ["replied \(neighbour.number)"])
    }

    @Test func `what nobody is known to have said is told to all that run`() throws {
        let table = Table(workersMax: 4)
        let (worker, first) = try table.shared()
        let second = table.call()
        _ = table.submit(second)
        #expect(table.roster.speakers(of: worker).map(\.number) == [first.number])
        _ = table.say(##"{"began":#,"async":true}"##, for: second, in: worker)
        #expect(table.roster.speakers(of: worker).map(\.number) == [first.number, second.number])
        let importing = table.call("b")
        let other = try #require(table.submit(importing))
        #expect(table.roster.speakers(of: other).map(\.number) == [importing.number])
    }

    @Test func `a worker that leaves takes no more calls, and those that it has not begun are served elsewhere`() throws
    {
        let table = Table(workersMax: 2)
        let (worker, first) = try table.shared()
        let second = table.call()
        #expect(table.submit(second)?.id == worker.id)
        let leaving = try #require(WorkerMessage(Array(#"{"leaving":4711}"#.utf8)))
        _ = table.roster.received([leaving], from: worker, at: 0)
        #expect(try #require(table.submit(table.call())).id != worker.id)
        _ = table.end(first, in: worker)
        #expect(table.assignments(table.roster.workerEnded(worker, .cancelled)).map(\.call) == [second.number])
    }
}
