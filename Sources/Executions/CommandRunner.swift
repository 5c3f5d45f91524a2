/// Runs a short command to its end while the caller waits, on whichever thread that is; never the reactor's or the pool's.
package protocol CommandRunner: Sendable {
    /// Gives it `input` on its stdin.
    /// - Returns: what it wrote to stdout, in whichever way it has ended; nil when it could not be started, wrote more than
    ///   `outputBytesMax`, or was not done in time and has been killed.
    func run(
        _ command: ProcessCommand, input: [UInt8], outputBytesMax: Int, timeoutMilliseconds: Int
    ) -> [UInt8]?
}
