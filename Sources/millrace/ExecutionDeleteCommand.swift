import ArgumentParser
import Client
import HTTP

struct ExecutionDeleteCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "delete", abstract: "Delete executions that have ended, with their events.",
        prose: #"""
            It is an error if an execution has not ended; the others are deleted all the same.

              millrace execution list --status failed --json \
                | jq -r '.items[].execution_id' | xargs millrace execution delete
            """#)

    @Argument(help: "The executions' ids, or parts of them.", completion: Completions.executions)
    var ids: [String]

    @OptionGroup var server: ServerOptions

    func run() throws {
        try reportingFailures {
            let client = try server.client()
            return try EachOf(ids: ids, outcome: "deleted").run { id in
                let id = try ExecutionReference.resolve(id, client)
                _ = try client.call(ClientRequest(.delete, ["api", "executions", id]))
            }
        }
    }
}
