import Executions
import Foundation
import History
import Testing

/// A store in a process of its own, which is this test program again with one test chosen.
@Suite struct KillTests {
    private static let childVariable = "MILLRACE_HISTORY_CHILD"
    private static let childPath = ProcessInfo.processInfo.environment[childVariable]
    private static let logCount = 50
    /// Executions that are over when they are stored have numbers from here on.
    private static let firstShort: Int64 = 1000
    private static let shortRecords = (1...3).map { Self.record($0) }
    private let folder = TemporaryFolder()

    @Test(.enabled(if: childPath == nil)) func `what was visible survives kill -9 at any moment`() throws {
        for round in 1...3 {
            let path = folder.path("killed-\(round).db")
            let seen = try runAndKill(path, afterLines: 1500 * round)
            #expect(seen.count { $0.key < Self.firstShort } == Self.logCount)

            let store = HistoryStore(.file(path))
            try store.start()
            for (number, seq) in seen {
                let id = newLog(number).id
                let records = try store.records(of: id, after: 0, bytesMax: .max).all
                #expect(records.count >= seq)
                #expect(try store.execution(id)?.lastSeq == records.count)
                #expect(records == (1...records.count).map { Self.record($0) })
            }
            let all = try store.executions(ExecutionQuery(limit: .max))
            for (graphID, status) in [("short-0", nil), ("short-1", .success), (nil, ExecutionStatus.running)] {
                let listed = try store.executions(ExecutionQuery(graphID: graphID, status: status, limit: .max))
                #expect(
                    listed == all.filter { (graphID ?? $0.graphID, status ?? $0.status) == ($0.graphID, $0.status) })
            }
            try store.stop()
        }
    }

    /// The child: stores for ever, and writes down what it was told is visible.
    @Test(.enabled(if: childPath != nil)) func `store until killed`() throws {
        let store = HistoryStore(.file(try #require(Self.childPath)))
        let watcher = Watcher { logs in
            let lines = logs.map { "seen \($0.summary.nodeCount) \($0.visibleSeq)\n" }.joined()
            FileHandle.standardOutput.write(Data(lines.utf8))
        }
        store.observer = watcher
        try store.start()
        let logs = (0..<Self.logCount).map { number in
            var summary = summary(Int64(number))
            summary = ExecutionSummary(
                id: summary.id, graphID: "any", graphRevision: 1, nodeCount: number, createdAtMicroseconds: 0)
            return EventLog(graph: anyGraph, summary: summary)
        }
        for seq in 1... {
            for log in logs { log.append([Self.record(seq)], to: store) }
            let short = (0..<Int64(Self.logCount)).map { number in
                Self.short(Self.firstShort + Int64(seq * Self.logCount) + number)
            }
            for log in short { log.append(Self.shortRecords, to: store) }
            watcher.wait(for: logs[seq % Self.logCount], through: seq)
            for log in short { watcher.wait(for: log, through: 3) }
        }
    }

    private static func short(_ number: Int64) -> EventLog {
        let summary = ExecutionSummary(
            id: summary(number).id, graphID: "short-\(number % 2)", graphRevision: 1, nodeCount: Int(number),
            createdAtMicroseconds: 0, status: .success)
        return EventLog(graph: anyGraph, summary: summary)
    }

    private static func record(_ seq: Int) -> [UInt8] {
        [UInt8](repeating: UInt8(seq & 0xFF), count: 50 + seq % 200)
    }

    /// - Returns: by the number of each log, the last seq that the child has seen.
    private func runAndKill(_ path: String, afterLines count: Int) throws -> [Int64: Int] {
        let child = Process()
        let output = Pipe()
        child.executableURL = URL(fileURLWithPath: "/proc/self/exe").resolvingSymlinksInPath()
        child.arguments = ["--testing-library", "swift-testing", "--filter", "KillTests"]
        child.environment = ProcessInfo.processInfo.environment.merging([Self.childVariable: path]) { $1 }
        child.standardOutput = output
        child.standardError = FileHandle.nullDevice
        try child.run()
        var text = Data()
        var lineCount = 0
        while true {
            let data = output.fileHandleForReading.availableData
            if data.isEmpty { break }
            text += data
            lineCount += data.count { $0 == UInt8(ascii: "\n") }
            if lineCount >= count { kill(child.processIdentifier, SIGKILL) }
        }
        child.waitUntilExit()
        #expect(child.terminationReason == .uncaughtSignal)

        var seen: [Int64: Int] = [:]
        // The last line may be torn.
        for line in String(decoding: text, as: UTF8.self).split(separator: "\n").dropLast() {
            let words = line.split(separator: " ")
            guard words.count == 3, words[0] == "seen" else { continue }
            guard let number = Int64(words[1]), let seq = Int(words[2]) else { continue }
            seen[number] = seq
        }
        return seen
    }
}
