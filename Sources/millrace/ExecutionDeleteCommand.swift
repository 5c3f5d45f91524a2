import ArgumentParser
import Client
import HTTP

struct ExecutionDeleteCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "delete", abstract: "Delete executions that have ended, with their events.",
        discussion: """
            It is an error if an execution has not ended; the others are deleted all the same.

              millrace execution delete $(millrace execution list --status failed --json | jq -r '.items[].execution_id')
            """)

    @Argument(help: "The executions' ids.")
    var ids: [String]

    @OptionGroup var server: ServerOptions

    func run() throws {
        try reportingFailures {
            let client = try server.client()
            var status = CommandStatus.success
            for id in ids {
                do throws(ClientError) {
                    _ = try client.call(ClientRequest(.delete, ["api", "executions", id]))
                    Terminal.print("\(TerminalText.line(id))  deleted")
                } catch {
                    guard case .refused(let problem) = error else { throw error }
                    status = .error
                    Terminal.complain("millrace: \(TerminalText.line(problem.detail))")
                }
            }
            return status
        }
    }
}
