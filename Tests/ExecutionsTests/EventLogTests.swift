import Executions
import JSON
import Testing

@Suite struct EventLogTests {
    @Test func `nothing is seen before it is stored`() throws {
        let log = try makeLog()
        #expect(log.visibleSeq == -1)
        #expect(isCaughtUp(log.read(after: 0, bytesMax: 100)))
        #expect(append(["one", "two"], to: log))
        #expect(isCaughtUp(log.read(after: 0, bytesMax: 100)))
        let unstored = log.unstored()
        #expect(unstored.isNew)
        #expect(texts(unstored.slice) == ["one", "two"])
        log.markStored(through: 1)
        #expect(try texts(log.read(after: 0, bytesMax: 100)) == ["one"])
        #expect(isCaughtUp(log.read(after: 1, bytesMax: 100)))
        log.markStored(through: 2)
        #expect(try texts(log.read(after: 0, bytesMax: 100)) == ["one", "two"])
        #expect(!log.unstored().isNew)
        #expect(log.unstored().slice.ends.isEmpty)
    }

    @Test func `an execution can be stored before it has events`() throws {
        let log = try makeLog()
        #expect(log.append(ByteWriter(), ends: []) { _ in })
        let unstored = log.unstored()
        #expect(unstored.isNew && unstored.slice.ends.isEmpty && unstored.slice.lastSeq == 0)
        log.markStored(through: unstored.slice.lastSeq)
        #expect(log.visibleSeq == 0)
        #expect(!log.unstored().isNew)
    }

    @Test func `the store is told once until it looks`() throws {
        let log = try makeLog()
        #expect(append(["one"], to: log))
        #expect(!append(["two"], to: log))
        _ = log.unstored()
        #expect(append(["three"], to: log))
        #expect(!log.markUnstored())
        _ = log.unstored()
        #expect(log.markUnstored(), "after a commit that failed it is offered again")
        #expect(texts(log.unstored().slice) == ["one", "two", "three"])
    }

    @Test func `a reader gets from any seq as many records as fit, and at least one`() throws {
        let log = try makeLog()
        let words = ["a", "bb", "ccc", "dddd", "eeeee"]
        _ = append(words, to: log)
        log.markStored(through: 5)
        for seq in 0..<5 {
            for bytesMax in 0...16 {
                guard case .events(let slice) = log.read(after: seq, bytesMax: bytesMax) else {
                    return #expect(Bool(false))
                }
                var expected = [words[seq]]
                while seq + expected.count < 5, (expected + [words[seq + expected.count]]).joined().count <= bytesMax {
                    expected.append(words[seq + expected.count])
                }
                #expect(texts(slice) == expected)
                #expect(slice.firstSeq == seq + 1)
                #expect(slice.lastSeq == seq + expected.count)
            }
        }
    }

    @Test func `a log is finished for readers once its end is visible`() throws {
        let log = try makeLog()
        _ = append(["end"], to: log) { $0.status = .success }
        #expect(log.summary.status == .success)
        #expect(!log.isFinishedAndVisible)
        #expect(isCaughtUp(log.read(after: 0, bytesMax: 1)))
        log.markStored(through: 1)
        #expect(log.isFinishedAndVisible)
        guard case .caughtUp(isFinished: true) = log.read(after: 1, bytesMax: 1) else { return #expect(Bool(false)) }
    }

    @Test func `a log from the store has nothing in memory`() throws {
        var summary = try makeLog().summary
        summary.lastSeq = 9
        summary.status = .success
        let log = EventLog(stored: summary, graph: try manyNodes(1, isChain: true))
        #expect(log.isFinishedAndVisible)
        guard case .evicted = log.read(after: 0, bytesMax: 1) else { return #expect(Bool(false)) }
        guard case .evicted = log.read(after: 8, bytesMax: 1) else { return #expect(Bool(false)) }
        guard case .caughtUp(isFinished: true) = log.read(after: 9, bytesMax: 1) else { return #expect(Bool(false)) }
    }

    @Test func `beyond the window what is visible leaves memory, what is not stored never does`() throws {
        let log = try makeLog()
        let word = String(repeating: "x", count: 64 << 10)
        let perWindow = EventLog.windowBytesMax / word.utf8.count
        for _ in 0..<perWindow * 3 { _ = append([word], to: log) }
        #expect(log.unstored().slice.ends.count == perWindow * 3)
        log.markStored(through: perWindow)
        guard case .evicted = log.read(after: 0, bytesMax: 1) else { return #expect(Bool(false)) }
        #expect(log.unstored().slice.firstSeq == perWindow + 1)
        #expect(log.unstored().slice.ends.count == perWindow * 2)
        log.markStored(through: perWindow * 3)
        guard case .evicted = log.read(after: perWindow * 2, bytesMax: 1) else { return #expect(Bool(false)) }
        let kept = perWindow * 5 / 2
        guard case .events(let slice) = log.read(after: kept, bytesMax: .max) else { return #expect(Bool(false)) }
        #expect(slice.ends.count == perWindow * 3 - kept)
    }

    @Test func `a window that is just full is kept`() throws {
        let log = try makeLog()
        _ = append([String(repeating: "x", count: EventLog.windowBytesMax - 1), "y"], to: log)
        log.markStored(through: 2)
        guard case .events = log.read(after: 0, bytesMax: 1) else { return #expect(Bool(false)) }
        _ = append(["z"], to: log)
        log.markStored(through: 3)
        #expect(
            try texts(log.read(after: 1, bytesMax: 9)) == ["y", "z"],
            "half a window is left, and at least what is newer")
    }

    /// Appends, commits and reads in an order drawn from a seed, against an array of all that was ever appended.
    @Test func `whatever the order of appends, commits and reads, readers see what is stored and all of it`() throws {
        for seed in 0..<200 as Range<UInt64> {
            var random = SeededGenerator(seed: seed)
            let log = try makeLog()
            let size = random.oneIn(3) ? 300_000 : 5
            var (all, stored, told): ([String], Int, Bool) = ([], -1, false)
            var taken: Int?
            for _ in 0..<80 {
                switch Int.random(in: 0..<5, using: &random) {
                case 0, 1:
                    let words = (0..<Int.random(in: 0...3, using: &random)).map { word(all.count + $0, size, &random) }
                    all += words
                    let mustTell = append(words, to: log)
                    #expect(mustTell == !told, "seed \(seed)")
                    told = true
                case 2 where taken == nil:
                    let unstored = log.unstored()
                    #expect(unstored.isNew == (stored < 0), "seed \(seed)")
                    #expect(texts(unstored.slice) == Array(all[max(stored, 0)...]), "seed \(seed)")
                    (taken, told) = (all.count, false)
                case 3:
                    guard let commit = taken else { continue }
                    log.markStored(through: commit)
                    (stored, taken) = (commit, nil)
                default:
                    let after = Int.random(in: 0...all.count, using: &random)
                    check(log.read(after: after, bytesMax: 20), after, all, stored, "seed \(seed)")
                }
                #expect(log.visibleSeq == stored && log.summary.lastSeq == all.count, "seed \(seed)")
            }
        }
    }

    private func check(_ result: EventLog.ReadResult, _ after: Int, _ all: [String], _ stored: Int, _ seed: Comment) {
        switch result {
        case .events(let slice):
            #expect(slice.firstSeq == after + 1 && slice.lastSeq <= stored, seed)
            #expect(texts(slice) == Array(all[after..<slice.lastSeq]), seed)
        case .caughtUp(let isFinished):
            #expect(after >= stored && !isFinished, seed)
        case .evicted:
            #expect(all[after...].reduce(0) { $0 + $1.utf8.count } > EventLog.windowBytesMax / 2, seed)
        }
    }

    private func word(_ index: Int, _ size: Int, _ random: inout SeededGenerator) -> String {
        "\(index)" + String(repeating: "x", count: Int.random(in: 0...size, using: &random))
    }

    private func makeLog() throws -> EventLog {
        let id = ExecutionIDGenerator().next(wallMicroseconds: 0)
        let summary = ExecutionSummary(id: id, graphID: "g", graphRevision: 7, nodeCount: 1, createdAtMicroseconds: 0)
        return EventLog(graph: try manyNodes(1, isChain: true), summary: summary)
    }

    private func append(_ words: [String], to log: EventLog, _ change: (inout ExecutionSummary) -> Void = { _ in })
        -> Bool
    {
        var writer = ByteWriter()
        var ends: [Int] = []
        for word in words {
            writer.append(utf8: word)
            ends.append(writer.count)
        }
        return log.append(writer, ends: ends, change)
    }

    private func texts(_ slice: EventLog.Slice) -> [String] {
        var start = 0
        return slice.ends.map { end in
            defer { start = end }
            return String(decoding: slice.records[start..<end], as: UTF8.self)
        }
    }

    private func texts(_ result: EventLog.ReadResult) throws -> [String] {
        guard case .events(let slice) = result else { throw StoreError("\(result)") }
        return texts(slice)
    }

    private func isCaughtUp(_ result: EventLog.ReadResult) -> Bool {
        if case .caughtUp(isFinished: false) = result { true } else { false }
    }
}

extension EventLog {
    /// As a store that has written all that there was.
    fileprivate func markStored(through seq: Int) {
        markStored(through: seq, change: change)
    }
}
