import Linux

extension ChildCommand {
    /// Runs the command through millrace-exec while the calling thread waits; the reactor has no part in it.
    /// - Returns: what it wrote to stdout; nil if that was more than `outputBytesMax`, or it was not done in time. Nothing of
    ///   it is left in any case.
    package func run(
        by helperPath: String, input: [UInt8], outputBytesMax: Int, timeoutMilliseconds: Int
    ) throws(SystemError) -> [UInt8]? {
        let stdin = try Pipe.make(nonBlocking: .writing)
        let stdout = try Pipe.make(nonBlocking: .reading)
        let control = try Socket.pair()
        let nothing = try SmallFile.openNothing()
        let process = try ChildProcess.start(
            ChildProcess.Specification(
                executable: helperPath, arguments: helperArguments(),
                environment: environment.map { "\($0.key)=\($0.value)" },
                descriptors: [0: stdin.first.raw, 1: stdout.second.raw, 2: nothing.raw, 3: control.second.raw]))
        let ours = control.takeFirst()
        let deadline = SystemClock.monotonicNanoseconds() + Int64(timeoutMilliseconds) * 1_000_000
        let output = try? Exchange.run(
            input, into: stdin.takeSecond(), from: stdout.takeFirst(), bytesMax: outputBytesMax,
            deadlineNanoseconds: deadline)
        // The end of this socket kills what is left of the tree, and the helper ends then.
        try? ours.close()
        try Exchange.awaitEnd(of: process)
        return output ?? nil
    }
}
