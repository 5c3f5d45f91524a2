import Client

/// Does the same to several things, such as executions. What a daemon refuses is said, and the others are done all the same.
struct EachOf {
    let ids: [String]
    /// What has become of one, as in `cancelled`.
    let outcome: String

    func run(_ work: (String) throws -> Void) throws -> CommandStatus {
        var status = CommandStatus.success
        for id in ids {
            do {
                try work(id)
            } catch {
                guard let failure = CommandFailure(error), failure.status == .error else { throw error }
                status = .error
                failure.report()
                continue
            }
            try Terminal.print("\(TerminalText.line(id))  \(outcome)")
        }
        return status
    }
}
