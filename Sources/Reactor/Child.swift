// When a child has ended. The helper's last line comes when the tree of processes is dead; then the helper exits, and
// its socket and its pidfd say so; and the pipes end when all they held is read. Only when all of this has happened,
// in whatever order, is the end reported, so that no output comes after it and none is lost. A pipe whose writing end
// was handed to a stranger, through a unix socket, would never end: it is drained and closed after a short while.
import Linux

/// A running command with its pipes. It lives until its end was reported, whether or not anyone holds it.
package final class Child {
    package enum Stream: Sendable { case output, errors, side }

    /// How long the pipes may stay open after the tree is dead.
    private static let drainMilliseconds: Int64 = 200

    /// The process id of millrace-exec, the root of the command's tree.
    package let processID: Int32

    private let reactor: Reactor
    private var handler: (any ChildHandler)?
    private var input: ChildWriter?
    private var output: ChildReader?
    private var errors: ChildReader?
    private var side: ChildReader?
    private var control: ChildControl?
    private var helperEnd: ProcessExit?
    private var report: ChildEnd?
    private var drainTimer: TimerID?

    init(processID: Int32, on reactor: Reactor, handler: any ChildHandler) {
        self.processID = processID
        self.reactor = reactor
        self.handler = handler
    }

    // MARK: For the owner

    /// Queues input; never blocks. Bytes for a command that does not read any more are dropped.
    package func write(_ bytes: [UInt8]) { input?.write(bytes) }

    /// Ends the input after what is queued.
    package func closeInput() { input?.finish() }

    /// Input that the pipe has not taken yet. Who writes much waits for `childInputDrained`.
    package var unsentInputBytes: Int { input?.unsentBytes ?? 0 }

    /// Stops reading its outputs: the command blocks when the pipes are full. The end waits for `resumeReading`.
    package func pauseReading() {
        output?.pause()
        errors?.pause()
        side?.pause()
    }

    /// Reads on.
    package func resumeReading() {
        output?.resume()
        errors?.resume()
        side?.resume()
        finishWhenDone()
    }

    /// SIGTERM to the whole tree, SIGKILL to what is left after the grace; 0 kills after one chance to clean up.
    package func terminate(graceMilliseconds: Int64) { control?.terminate(graceMilliseconds: graceMilliseconds) }

    /// SIGKILL to the whole tree.
    package func kill() { control?.kill() }

    // MARK: For Children

    /// Takes over the daemon's ends. After an error the child is to be abandoned.
    func attach(
        input: consuming Descriptor, output: consuming Descriptor, errors: consuming Descriptor,
        control: consuming Descriptor, buffer: ReadBuffer
    ) throws(SystemError) {
        // The closures hold the child until it is released.
        self.control = try ChildControl(
            control, on: reactor, onLine: { self.take(line: $0) }, onEnd: { self.finishWhenDone() })
        self.input = try ChildWriter(input, on: reactor, onDrained: { self.handler?.childInputDrained(self) })
        self.output = try reader(output, .output, buffer)
        self.errors = try reader(errors, .errors, buffer)
    }

    /// Takes over the daemon's end of the second pipe for output.
    func attach(side: consuming Descriptor, buffer: ReadBuffer) throws(SystemError) {
        self.side = try reader(side, .side, buffer)
    }

    /// Gives up before the first event; the helper sees its socket close and kills the tree.
    func abandon() {
        handler = nil
        release()
    }

    func helperEnded(_ end: ProcessExit) {
        helperEnd = end
        finishWhenDone()
    }

    // MARK: The end

    private func reader(
        _ descriptor: consuming Descriptor, _ stream: Stream, _ buffer: ReadBuffer
    ) throws(SystemError) -> ChildReader {
        try ChildReader(
            descriptor, on: reactor, buffer: buffer,
            onBytes: { self.take($0, from: stream) },
            onEnd: { self.finishWhenDone() })
    }

    private func take(_ bytes: UnsafeRawBufferPointer, from stream: Stream) {
        guard stream == .output, side != nil else {
            handler?.child(self, wrote: bytes, to: stream)
            return
        }
        // Its output are messages, and what it wrote past them before it wrote one belongs before that one. The others read
        // into the same buffer.
        let messages = [UInt8](bytes)
        side?.flush()
        errors?.flush()
        messages.withUnsafeBytes { handler?.child(self, wrote: $0, to: stream) }
    }

    private func take(line: String) {
        let (word, rest) = line.splitAtFirstSpace
        switch (word, Int32(rest)) {
        case ("exit", let code?): report = .exited(code)
        case ("signal", let number?): report = .signalled(Signal(rawValue: number))
        case ("error", _): report = .failed(rest)
        case ("notice", _): handler?.child(self, noticed: rest)
        default: report = .failed("millrace-exec said: \(line)")
        }
    }

    private func finishWhenDone() {
        guard let helperEnd, control?.isEnded == true, let handler else { return }
        guard output?.isEnded == true, errors?.isEnded == true, side?.isEnded != false else { return drainLater() }
        let end = report ?? .failed("millrace-exec ended without a report: \(helperEnd)")
        self.handler = nil
        release()
        handler.child(self, ended: end)
    }

    private func drainLater() {
        if drainTimer != nil { return }
        drainTimer = reactor.schedule(afterMilliseconds: Self.drainMilliseconds) {
            self.drainTimer = nil
            for reader in [self.output, self.errors, self.side] {
                // A paused one is drained some time after it was resumed.
                if let reader, !reader.isPaused, !reader.isEnded { reader.drain() }
            }
            if self.output?.isPaused != true { self.finishWhenDone() }
        }
    }

    private func release() {
        if let timer = drainTimer.take() { reactor.cancel(timer) }
        control?.close()
        input?.close()
        output?.close()
        errors?.close()
        side?.close()
        control = nil
        input = nil
        output = nil
        errors = nil
        side = nil
    }
}

extension String {
    fileprivate var splitAtFirstSpace: (String, String) {
        guard let space = firstIndex(of: " ") else { return (self, "") }
        return (String(self[..<space]), String(self[index(after: space)...]))
    }
}
