import Config

extension DaemonLog {
    /// Says on stdout that the daemon is ready. One that cannot be written to is no reason not to serve.
    func announce(_ lines: [String]) {
        do throws(OutputFailure) {
            for line in lines { try Terminal.print(line) }
        } catch {
            log(.warning, "the line that says it is ready got lost", ["reason": error.description])
        }
    }
}
