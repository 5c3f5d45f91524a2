import Glibc
import Linux
import Testing

@testable import Reactor

/// The real millrace-exec, the real shell.
@Suite struct ChildrenTests {
    let reactor: Reactor
    let children: Children

    private final class Recorder: ChildHandler {
        var output: [UInt8] = []
        var errors: [UInt8] = []
        var notices: [String] = []
        var drains = 0
        var ends: [ChildEnd] = []
        var onOutput: (Child) -> Void = { _ in }

        var text: String { String(decoding: output, as: UTF8.self) }

        func child(_ child: Child, wrote bytes: UnsafeRawBufferPointer, to stream: Child.Stream) {
            #expect(ends.isEmpty, "no output after the end")
            if stream == .output { output += bytes } else { errors += bytes }
            onOutput(child)
        }
        func child(_ child: Child, ended end: ChildEnd) { ends.append(end) }
        func childInputDrained(_ child: Child) { drains += 1 }
        func child(_ child: Child, noticed text: String) { notices.append(text) }
    }

    init() throws {
        reactor = try Reactor()
        children = Children(on: reactor, helperPath: builtHelper())
    }

    private func command(_ arguments: String...) -> ChildCommand {
        ChildCommand(arguments, environment: ["PATH": "/usr/bin:/bin", "GREETING": "hello"])
    }

    /// Runs a shell script to its end.
    private func run(_ script: String, _ change: (inout ChildCommand) -> Void = { _ in }) throws -> Recorder {
        var command = command("sh", "-c", script)
        change(&command)
        let recorder = Recorder()
        try children.start(command, recorder)
        try reactor.turn(until: { !recorder.ends.isEmpty })
        #expect(recorder.ends.count == 1)
        #expect(reactor.registrations == 0)
        #expect(reactor.timers <= 1)
        return recorder
    }

    @Test(arguments: [0, 1, 77, 255] as [Int32])
    func `an exit code is reported`(code: Int32) throws {
        #expect(try run("exit \(code)").ends == [.exited(code)])
    }

    @Test(arguments: [Signal.terminate, .kill, .interrupt])
    func `a signal that ends the command is reported`(signal: Signal) throws {
        #expect(try run("kill -\(signal.rawValue) $$").ends == [.signalled(signal)])
    }

    @Test func `a command that does not exist is named`() throws {
        let recorder = Recorder()
        try children.start(command("no-such-command"), recorder)
        try reactor.turn(until: { !recorder.ends.isEmpty })
        #expect(recorder.ends == [.failed("exec no-such-command: No such file or directory")])
    }

    @Test func `a missing helper is an error of the start`() throws {
        let children = Children(on: reactor, helperPath: "/no/millrace-exec")
        #expect(throws: SystemError(.notFound, "start /no/millrace-exec")) {
            try children.start(command("true"), Recorder())
        }
        #expect(reactor.registrations == 0)
    }

    @Test func `both outputs, the environment and the working directory are the command's own`() throws {
        let recorder = try run("echo $GREETING; pwd; env | wc -l; echo oops >&2") { $0.workingDirectory = "/usr" }
        // sh adds PWD (and its own _) to the two that it was given.
        let lines = recorder.text.split(separator: "\n")
        #expect(lines.prefix(2) == ["hello", "/usr"])
        #expect(Int(lines[2])! <= 5)
        #expect(recorder.errors == Array("oops\n".utf8))
    }

    @Test func `the command inherits no descriptor, no ignored signal and no privilege to gain`() throws {
        let recorder = try run("ls /proc/$$/fd | tr '\\n' ' '; grep -E 'SigBlk|SigIgn|NoNewPrivs' /proc/self/status")
        let words = recorder.text.split { $0 == "\n" || $0 == " " || $0 == "\t" }
        #expect(words.prefix(3) == ["0", "1", "2"])
        #expect(
            words.suffix(6) == ["SigBlk:", "0000000000000000", "SigIgn:", "0000000000000000", "NoNewPrivs:", "1"])
    }

    @Test func `large output arrives without loss`() throws {
        let recorder = try run("seq 1 1000000; seq 1 300000 >&2")
        #expect(recorder.output.count == 6_888_896)
        #expect(recorder.errors.count == 1_988_895)
        #expect(recorder.output.suffix(8) == Array("1000000\n".utf8)[...])
    }

    @Test func `a paused reader gets nothing, and all once it is resumed`() throws {
        let recorder = Recorder()
        recorder.onOutput = { $0.pauseReading() }
        let child = try children.start(command("seq", "1", "100000"), recorder)
        try reactor.turn(until: { !recorder.output.isEmpty })
        let first = recorder.output.count
        for _ in 0..<10 { try reactor.turnNow() }
        #expect(recorder.output.count == first)
        recorder.onOutput = { _ in }
        child.resumeReading()
        try reactor.turn(until: { !recorder.ends.isEmpty })
        #expect(recorder.output.count == 588_895)
    }

    @Test func `the end waits until a paused reader was resumed`() throws {
        let recorder = Recorder()
        let child = try children.start(command("echo", "late"), recorder)
        child.pauseReading()
        var isOver = false
        _ = reactor.schedule(afterMilliseconds: 300) { isOver = true }
        try reactor.turn(until: { isOver })
        #expect(recorder.ends.isEmpty)
        child.resumeReading()
        try reactor.turn(until: { !recorder.ends.isEmpty })
        #expect(recorder.text == "late\n")
    }

    @Test func `a megabyte of input goes through cat and back`() throws {
        let recorder = Recorder()
        let child = try children.start(command("cat"), recorder)
        let pieces = (0..<16).map { piece in [UInt8](repeating: UInt8(piece), count: 65_536) }
        for piece in pieces { child.write(piece) }
        #expect(child.unsentInputBytes == 1_048_576)
        child.closeInput()
        try reactor.turn(until: { !recorder.ends.isEmpty })
        #expect(recorder.output == Array(pieces.joined()))
        #expect(recorder.ends == [.exited(0)])
        #expect(recorder.drains == 1)
    }

    @Test func `input for a command that does not read it is dropped`() throws {
        let recorder = Recorder()
        let child = try children.start(command("sh", "-c", "exec <&-; sleep 0.1; exit 5"), recorder)
        child.write([UInt8](repeating: 0, count: 1_000_000))
        try reactor.turn(until: { !recorder.ends.isEmpty })
        #expect(recorder.ends == [.exited(5)])
        #expect(recorder.drains == 1)
    }

    /// Leaves four processes behind: a background one, one with its own session, a double fork, and one that ignores
    /// SIGTERM; writes their ids.
    private static let family = """
        sleep 1000 & echo $!
        setsid sleep 1000 & echo $!
        (setsid sh -c 'sleep 1000 & echo $!' &)
        (setsid sh -c 'trap "" TERM; echo $$; while :; do sleep 1; done' &)
        """

    private func isAlive(_ processID: Int32) -> Bool { kill(processID, 0) == 0 }

    private func startFamily(_ ending: String) throws -> (Child, Recorder, [Int32]) {
        let recorder = Recorder()
        let child = try children.start(command("sh", "-c", Self.family + "\n" + ending), recorder)
        try reactor.turn(until: { recorder.text.split(separator: "\n").count >= 5 })
        let family = recorder.text.split(separator: "\n").compactMap { Int32($0) }
        #expect(family.count == 4)
        return (child, recorder, family)
    }

    @Test func `what a command leaves behind is dead when its end is reported`() throws {
        let (child, recorder, family) = try startFamily("echo ready; read line; exit 3")
        #expect(family.allSatisfy(isAlive))
        child.write(Array("go\n".utf8))
        try reactor.turn(until: { !recorder.ends.isEmpty })
        #expect(recorder.ends == [.exited(3)])
        #expect(!family.contains(where: isAlive))
    }

    @Test func `terminate ends the whole tree, and kills what ignores it`() throws {
        let (child, recorder, family) = try startFamily("trap '' TERM; echo ready; while :; do sleep 1; done")
        child.terminate(graceMilliseconds: 100)
        try reactor.turn(until: { !recorder.ends.isEmpty })
        #expect(recorder.ends == [.signalled(.kill)])
        #expect(!family.contains(where: isAlive))
    }

    @Test func `a command may clean up in its grace`() throws {
        let recorder = Recorder()
        recorder.onOutput = { $0.terminate(graceMilliseconds: 20_000) }
        try children.start(command("sh", "-c", "trap 'exit 9' TERM; echo up; while :; do sleep 0.05; done"), recorder)
        try reactor.turn(until: { !recorder.ends.isEmpty })
        #expect(recorder.ends == [.exited(9)])
    }

    @Test func `kill leaves nothing, at once`() throws {
        let (child, recorder, family) = try startFamily("trap '' TERM; echo ready; while :; do sleep 1; done")
        child.kill()
        try reactor.turn(until: { !recorder.ends.isEmpty })
        #expect(recorder.ends == [.signalled(.kill)])
        #expect(!family.contains(where: isAlive))
    }

    @Test func `when the daemon's socket closes, the tree dies without a word`() throws {
        let control = try Socket.pair()
        let output = try Pipe.make(nonBlocking: .reading)
        let process = try ChildProcess.start(
            .init(
                executable: builtHelper(),
                arguments: ["millrace-exec", "--", "sh", "-c", Self.family + "\necho ready; sleep 1000"],
                environment: ["PATH=/usr/bin:/bin"],
                descriptors: [0: output.first.raw, 1: output.second.raw, 2: output.second.raw, 3: control.second.raw]))
        var status: ProcessExit?
        _ = try ChildWatch(process, on: reactor) { status = $0 }
        let family = try firstFour(output.takeFirst())
        #expect(family.allSatisfy(isAlive))
        _ = control.takeSecond()
        try reactor.turn(until: { status != nil })
        #expect(status == .exited(128 + SIGKILL))
        #expect(!family.contains(where: isAlive))
    }

    /// The process ids that come through a pipe, up to the fourth.
    private func firstFour(_ pipe: consuming Descriptor) throws -> [Int32] {
        let probe = Probe()
        let pipe = pipe
        var isReadable = false
        probe.onReady = { _ in isReadable = true }
        let slot = try reactor.register(pipe, .input, probe)
        defer { reactor.deregister(slot) }
        var text = ""
        while text.split(separator: "\n").compactMap({ Int32($0) }).count < 4 {
            try reactor.turn(until: { isReadable })
            isReadable = false
            withUnsafeTemporaryAllocation(byteCount: 4_096, alignment: 1) { buffer in
                while case .bytes(let count)? = try? pipe.read(into: buffer) {
                    text += String(decoding: buffer[..<count], as: UTF8.self)
                }
            }
        }
        return text.split(separator: "\n").compactMap { Int32($0) }
    }

    @Test func `limits hold for the command`() throws {
        let recorder = try run("ulimit -v; ulimit -t; ulimit -n; ulimit -u") {
            $0.limits.memoryBytes = 1_048_576_000
            $0.limits.cpuSeconds = 5
            $0.limits.files = 20
            $0.limits.processes = 5_000
        }
        #expect(recorder.text.split(separator: "\n").prefix(3) == ["1024000", "5", "20"])
    }

    @Test func `with paths given, no other is reached`() throws {
        let recorder = try run("cat /etc/passwd; cat /usr/share/no-such-file") {
            $0.limits.readablePaths = ["/usr", "/bin", "/lib", "/lib64"]
        }
        // A kernel without Landlock must have said so.
        if recorder.notices.isEmpty {
            #expect(recorder.text == "")
            #expect(String(decoding: recorder.errors, as: UTF8.self).contains("Permission denied"))
        } else {
            #expect(recorder.notices[0].hasPrefix("landlock is not available"))
        }
    }

    @Test func `a path that cannot be opened to the command is named`() throws {
        let recorder = try run("true") { $0.limits.writablePaths = ["/no/such/path"] }
        if recorder.notices.isEmpty {
            #expect(recorder.ends == [.failed("landlock /no/such/path: No such file or directory")])
        }
    }

    @Test func `what is hidden is out of reach, and what lies beside it is not`() throws {
        let folder = "/tmp/millrace-hidden-\(getpid())"
        for path in [folder, "\(folder)/secret", "\(folder)/secret/own", "\(folder)/beside"] { mkdir(path, 0o700) }
        defer { for path in ["/secret/own", "/secret", "/beside", ""] { rmdir(folder + path) } }
        let script =
            "cd \(folder); for each in secret secret/own beside .; do touch $each/x 2>/dev/null && rm $each/x && echo $each; done"
        let recorder = try run(script) {
            $0.limits.hiddenPaths = ["\(folder)/secret", "/no/such/path"]
            $0.limits.writablePaths = ["\(folder)/secret/own"]
        }
        if recorder.notices.isEmpty { #expect(recorder.text == "secret/own\nbeside\n") }
    }

    @Test func `whoever is restricted signals nobody else`() throws {
        let recorder = try run("kill -0 \(getpid()) 2>/dev/null || echo refused; sleep 60 & kill $! && echo own") {
            $0.limits.hiddenPaths = ["/no/such/path"]
        }
        // Before version 6 Landlock has no word on signals.
        if ProcessPrivacy.landlockVersion >= 6 { #expect(recorder.text == "refused\nown\n") }
    }

    @Test func `many children run at once`() throws {
        let recorders = (0..<50).map { _ in Recorder() }
        for (index, recorder) in recorders.enumerated() {
            try children.start(command("sh", "-c", "echo \(index); exit \(index)"), recorder)
        }
        try reactor.turn(until: { recorders.allSatisfy { !$0.ends.isEmpty } })
        for (index, recorder) in recorders.enumerated() {
            #expect(recorder.text == "\(index)\n")
            #expect(recorder.ends == [.exited(Int32(index))])
        }
    }
}

/// The millrace-exec that was built with the tests, beside their own executable.
func builtHelper() -> String {
    var bytes = [UInt8](repeating: 0, count: Int(PATH_MAX))
    let count = bytes.withUnsafeMutableBytes { readlink("/proc/self/exe", $0.baseAddress!, $0.count) }
    let own = String(decoding: bytes[..<max(0, count)], as: UTF8.self)
    let folder = own.split(separator: "/").dropLast().joined(separator: "/")
    return "/\(folder)/millrace-exec"
}
