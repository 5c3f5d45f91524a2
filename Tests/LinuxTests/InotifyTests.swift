import Glibc
import Testing

@testable import Linux

@Suite struct InotifyTests {
    private let folder: String

    init() {
        var template = Array("/tmp/millrace-inotify-XXXXXX".utf8CString)
        precondition(mkdtemp(&template) != nil)
        folder = String(decoding: template.dropLast().map { UInt8(bitPattern: $0) }, as: UTF8.self)
    }

    private func write(_ name: String, _ text: String = "x") {
        let file = open("\(folder)/\(name)", O_WRONLY | O_CREAT | O_TRUNC, 0o600)
        _ = text.withCString { Glibc.write(file, $0, strlen($0)) }
        close(file)
    }

    private func events(_ reading: Inotify.Reading) -> [Inotify.Event] {
        if case .events(let events) = reading { events } else { [] }
    }

    private func names(_ reading: Inotify.Reading) -> Set<String> { Set(events(reading).map(\.name)) }

    @Test func `nothing is told of what has not changed`() throws {
        let inotify = try Inotify()
        _ = try inotify.watch(folder)
        #expect(inotify.read() == .none)
        write("a")
        #expect(names(inotify.read()) == ["a"])
        #expect(inotify.read() == .none)
    }

    @Test func `an entry that comes or goes is told apart from one whose content changes`() throws {
        write("a")
        let inotify = try Inotify()
        let watch = try inotify.watch(folder)
        write("a", "more")
        let changes = events(inotify.read())
        #expect(!changes.isEmpty && changes.allSatisfy { $0.name == "a" && $0.watch == watch && !$0.isEntryChange })
        rename("\(folder)/a", "\(folder)/b")
        let moves = events(inotify.read())
        #expect(moves.map(\.name) == ["a", "b"])
        #expect(moves.allSatisfy { $0.isEntryChange })
    }

    @Test func `a folder by two paths is one watch, and its end is told`() throws {
        mkdir("\(folder)/real", 0o700)
        symlink("real", "\(folder)/link")
        let inotify = try Inotify()
        let watch = try inotify.watch("\(folder)/real")
        #expect(try inotify.watch("\(folder)/link") == watch)
        rmdir("\(folder)/real")
        let events = events(inotify.read())
        #expect(events.contains { $0.watch == watch && $0.isFolderGone })
        #expect(throws: SystemError.self) { try inotify.watch("\(folder)/real") }
    }

    @Test func `more than a reading takes is told as such, and nothing of it later`() throws {
        let inotify = try Inotify()
        _ = try inotify.watch(folder)
        for number in 0..<6_000 { write("a-file-with-a-name-of-some-length-\(number)") }
        #expect(inotify.read() == .overflow)
        #expect(inotify.read() == .none)
        write("a")
        #expect(names(inotify.read()) == ["a"])
    }

    @Test func `what others share is no file system that tells`() {
        #expect(!FileSystem.isRemote(folder))
        #expect(!FileSystem.isRemote("/nonexistent"))
    }
}

@Suite struct ExchangeTests {
    private func run(_ script: String, _ input: [UInt8] = [], bytesMax: Int = 1 << 20, milliseconds: Int = 60_000)
        throws
        -> [UInt8]?
    {
        let stdin = try Pipe.make(nonBlocking: .writing)
        let stdout = try Pipe.make(nonBlocking: .reading)
        let process = try ChildProcess.start(
            ChildProcess.Specification(
                executable: "/bin/sh", arguments: ["sh", "-c", script], environment: ["PATH=/usr/bin:/bin"],
                descriptors: [0: stdin.first.raw, 1: stdout.second.raw]))
        let output = try Exchange.run(
            input, into: stdin.takeSecond(), from: stdout.takeFirst(), bytesMax: bytesMax,
            deadlineNanoseconds: SystemClock.monotonicNanoseconds() + Int64(milliseconds) * 1_000_000)
        process.send(.kill)
        try Exchange.awaitEnd(of: process)
        return output
    }

    @Test func `more goes through than pipes hold, both ways`() throws {
        Signals.ignore(.pipe)
        let input = (0..<1_000_000).map { UInt8(truncatingIfNeeded: $0 &* 31) }
        #expect(try run("cat", input, bytesMax: input.count) == input)
        #expect(try run("cat", input, bytesMax: input.count - 1) == nil)
    }

    @Test func `what does not read may answer, and what does not end is given up`() throws {
        Signals.ignore(.pipe)
        #expect(try run("exec 0<&-; echo yes", [UInt8](repeating: 1, count: 1 << 20)) == Array("yes\n".utf8))
        #expect(try run("exec sleep 600", milliseconds: 50) == nil)
    }
}
