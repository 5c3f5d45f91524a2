import ArgumentParser
import Client
import HTTP

struct ExecutionResumeCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "resume", abstract: "Have executions go on that are held.",
        prose: """
            An execution is held when it was running each time that the daemon died lately, or after `millrace serve --hold`.
            It goes on where it was interrupted; cancel it if it is what the daemon dies of.

              millrace execution list --status held
              millrace execution resume 01930b1c-7d2e-7cc3-98c4-dc0c0c07398f
              millrace execution resume --held
            """)

    @Argument(help: "The executions' ids, or parts of them.", completion: Completions.executions)
    var ids: [String] = []

    @Flag(help: "All that are held.")
    var held = false

    @OptionGroup var server: ServerOptions

    func validate() throws {
        if ids.isEmpty != held { throw ValidationError("Name executions, or say --held.") }
    }

    func run() throws {
        try reportingFailures {
            let client = try server.client()
            if held {
                let count = try client.resumeAllHeld()
                try Terminal.print(count == 1 ? "1 execution resumed" : "\(count) executions resumed")
                return .success
            }
            return try EachOf(ids: ids, outcome: "resumed").run { id in
                _ = try client.resume(try ExecutionReference.resolve(id, client))
            }
        }
    }
}
