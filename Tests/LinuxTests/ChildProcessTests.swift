import Glibc
import Linux
import Testing

@Suite struct ChildProcessTests {
    private func wait(for process: borrowing ChildProcess) throws -> ProcessExit {
        var poll = pollfd(fd: process.pidfd.raw, events: Int16(POLLIN), revents: 0)
        #expect(Glibc.poll(&poll, 1, 30_000) == 1)
        return try #require(try process.end())
    }

    @Test func `a process ends with its code`() throws {
        let process = try ChildProcess.start(.init(executable: "/bin/sh", arguments: ["sh", "-c", "exit 7"]))
        #expect(try wait(for: process) == .exited(7))
    }

    @Test func `a running process has no end yet, and a signal gives it one`() throws {
        let process = try ChildProcess.start(.init(executable: "/bin/sleep", arguments: ["sleep", "1000"]))
        #expect(try process.end() == nil)
        process.send(.terminate)
        #expect(try wait(for: process) == .signalled(.terminate))
        process.send(.terminate)
    }

    @Test func `a program that does not exist is named`() {
        let error = #expect(throws: SystemError.self) {
            _ = try ChildProcess.start(.init(executable: "/no/such", arguments: ["such"]))
        }
        #expect(error == SystemError(.notFound, "start /no/such"))
    }

    @Test func `only the mapped descriptors reach the child, also when source and target numbers cross`() throws {
        let one = try Pipe.make(nonBlocking: .reading)
        let two = try Pipe.make(nonBlocking: .reading)
        // Swaps two numbers that are in use: mapped one after the other, one would be lost.
        let low = min(one.second.raw, two.second.raw)
        let high = max(one.second.raw, two.second.raw)
        let script = "ls /proc/self/fd >&\(low); echo high >&\(high)"
        let process = try ChildProcess.start(
            .init(
                executable: "/bin/bash", arguments: ["bash", "-c", script], environment: ["PATH=/usr/bin:/bin"],
                workingDirectory: "/", descriptors: [low: high, high: low]))
        #expect(try wait(for: process) == .exited(0))
        let texts = [try text(one.first), try text(two.first)]
        let toHigh = texts[one.second.raw == high ? 0 : 1]
        let toLow = texts[one.second.raw == low ? 0 : 1]
        // The two, the standard ones, and the folder that ls itself has opened: none else of this process.
        #expect(Set(toHigh.split(separator: "\n")) == ["0", "1", "2", "3", "\(low)", "\(high)"])
        #expect(toLow == "high\n")
    }

    private func text(_ pipe: borrowing Descriptor) throws -> String {
        try withUnsafeTemporaryAllocation(byteCount: 4_096, alignment: 1) { buffer in
            guard case .bytes(let count) = try pipe.read(into: buffer) else { return "" }
            return String(decoding: buffer[..<count], as: UTF8.self)
        }
    }

    @Test func `blocked and ignored signals do not reach the child`() async {
        await #expect(processExitsWith: .success) {
            Signals.block([.terminate])
            Signals.ignore(.pipe)
            let script = "grep -E 'SigBlk:.0000000000000000' /proc/self/status && kill -PIPE $$; exit 1"
            let process = try ChildProcess.start(
                .init(
                    executable: "/bin/sh", arguments: ["sh", "-c", script], environment: ["PATH=/usr/bin:/bin"],
                    descriptors: [1: 1, 2: 2]))
            var poll = pollfd(fd: process.pidfd.raw, events: Int16(POLLIN), revents: 0)
            precondition(Glibc.poll(&poll, 1, 30_000) == 1)
            let end = try process.end()
            precondition(end == .signalled(.pipe), "\(String(describing: end))")
        }
    }
}
