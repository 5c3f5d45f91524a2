import Executions
import Glibc
import ReactorServices
import Synchronization
import Testing

@testable import Nodes

/// Many children at once, through the daemon's own launcher.
@Suite struct SpawnQueueTests {
    private struct Story {
        var isStarted = false
        var end: ProcessEnd?
    }

    private final class Stories: Sendable {
        private let all: Mutex<[Story]>
        private let waiting = Mutex<CheckedContinuation<Void, Never>?>(nil)

        init(_ count: Int) { all = Mutex(Array(repeating: Story(), count: count)) }

        func take(_ event: ProcessEvent, _ index: Int) {
            let isOver = all.withLock { stories in
                switch event {
                case .started: stories[index].isStarted = true
                case .ended(let end): stories[index].end = end
                case .stdout, .stderr, .sideOutput: break
                }
                return stories.allSatisfy { $0.end != nil }
            }
            if isOver { waiting.withLock { $0.take() }?.resume() }
        }

        func untilAllHaveEnded() async -> [Story] {
            await withCheckedContinuation { continuation in
                waiting.withLock { $0 = continuation }
                if all.withLock({ $0.allSatisfy { $0.end != nil } }) { waiting.withLock { $0.take() }?.resume() }
            }
            return all.withLock { $0 }
        }
    }

    private func launch(_ count: Int, _ command: (Int) -> [String]) -> ([any RunningProcess], Stories) {
        let stories = Stories(count)
        let processes = (0..<count).map { index in
            LiveReactor.shared.launcher.launch(
                ProcessCommand(
                    arguments: command(index), environment: ["PATH": "/usr/bin:/bin"], graphID: "graph\(index % 3)")
            ) { stories.take($0, index) }
        }
        return (processes, stories)
    }

    @Test func `a child that is ended before its turn never starts`() async throws {
        let folder = try ScratchFolder()
        let (processes, stories) = launch(60) { ["touch", "\(folder.path)/\($0)"] }
        for process in processes.reversed() { process.terminate(graceMilliseconds: 1000) }
        let all = await stories.untilAllHaveEnded()
        for (index, story) in all.enumerated() where !story.isStarted {
            #expect(story.end == .killed(signal: SIGTERM))
            #expect(access("\(folder.path)/\(index)", F_OK) != 0)
        }
    }

    @Test func `what a child is told before its turn reaches it`() async throws {
        let folder = try ScratchFolder()
        let (processes, stories) = launch(30) { ["sh", "-c", "cat > \(folder.path)/\($0)"] }
        for (index, process) in processes.enumerated() {
            process.write(Array("\(index)".utf8))
            process.closeInput()
        }
        let all = await stories.untilAllHaveEnded()
        for (index, story) in all.enumerated() {
            #expect(story.isStarted)
            #expect(story.end == .exited(status: 0))
            #expect(try String(contentsOfFile: "\(folder.path)/\(index)") == "\(index)")
        }
    }
}

extension String {
    fileprivate init(contentsOfFile path: String) throws {
        guard let file = fopen(path, "r") else { throw NodeFailure("there is no \(path)") }
        defer { fclose(file) }
        var bytes = [UInt8](repeating: 0, count: 64)
        self.init(decoding: bytes[..<fread(&bytes, 1, bytes.count, file)], as: UTF8.self)
    }
}
