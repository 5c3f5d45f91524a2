import Testing

@testable import Nodes

/// The decisions alone: no process runs here.
@Suite struct PythonRosterTests {
    private final class Table {
        var roster: PythonRoster
        private var lastNumber = 0

        init(workersMax: Int) {
            roster = PythonRoster(workersMax: workersMax, idleMilliseconds: 1000)
        }

        func call(_ key: String = "a", function: String = "f", bytes: Int = 2) -> PythonCall {
            lastNumber += 1
            return PythonCall(
                number: lastNumber,
                key: PythonKey(graphID: key, folder: nil, ownFolder: "", program: "python3", fingerprint: ""),
                function: function, bytes: bytes)
        }

        /// Which worker each call got, with the call's number.
        func assignments(_ actions: [PythonRoster.Action]) -> [(call: Int, worker: PythonWorker)] {
            actions.compactMap { action in
                guard case .post(let call, .assigned(let worker, _)) = action else { return nil }
                return (call.number, worker)
            }
        }

        func submit(_ call: PythonCall) -> PythonWorker? {
            assignments(roster.submit(call)).first { $0.call == call.number }?.worker
        }

        func say(_ words: String, for call: PythonCall, in worker: PythonWorker) -> [(call: Int, worker: PythonWorker)]
        {
            let reply = PythonReply(Array(#"{"call":\#(call.number),\#(words)}"#.utf8))
            return assignments(roster.received([reply].compactMap(\.self), from: worker, at: 0))
        }

        func end(_ call: PythonCall, in worker: PythonWorker) -> [(call: Int, worker: PythonWorker)] {
            say(#""update":{}"#, for: call, in: worker)
        }

        /// A worker with its first coroutine.
        func shared(bytes: Int = 2) throws -> (PythonWorker, PythonCall) {
            let probe = call(bytes: bytes)
            let worker = try #require(submit(probe))
            _ = say(#""begun":"async""#, for: probe, in: worker)
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
        let assigned = table.say(#""begun":"plain""#, for: probe, in: worker)
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
        #expect(table.say(#""error":{"message":"no"}"#, for: probe, in: worker).map(\.call) == [others[0].number])
        _ = table.roster.cancel(others[1])
        let failure = table.roster.workerEnded(worker, .cancelled)
        #expect(table.assignments(failure).map(\.call) == [others[2].number])
    }

    @Test func `a probe that is withdrawn while it waits hands its task on`() throws {
        let table = Table(workersMax: 1)
        let first = table.call("b")
        let worker = try #require(table.submit(first))
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
}
