import ArgumentParser
import Client
import Graphs
import HTTP
import JSON

struct GraphValidateCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "validate", abstract: "Check graph documents, and store nothing.",
        prose: """
            Names every fault and its place: line, column, and a JSON Pointer. Exit status 1 if there is any.

              millrace graph validate graphs/*.yaml
            """)

    @Argument(help: "Documents: JSON if the name ends in .json, else YAML; - is stdin.", completion: .file())
    var files: [String]

    @Flag(help: "Print a line of JSON for each file: {\"file\": …, \"valid\": …, \"errors\": […]}.")
    var json = false

    @OptionGroup var server: ServerOptions

    func validate() throws {
        if let fault = StandardInput.fault(in: files) { throw ValidationError(fault) }
    }

    func run() throws {
        try reportingFailures {
            let client = try reachableClient()
            var isValid = true
            for file in files {
                let faults = try faults(file, client)
                isValid = isValid && faults.isEmpty
                try report(file, faults)
            }
            return isValid ? .success : .error
        }
    }

    /// Nil if there is no daemon and none was asked for by name.
    private func reachableClient() throws -> APIClient? {
        do {
            let client = try server.client()
            _ = try APIClient.firstReachable(among: [client.address])
            return client
        } catch let error as ClientError {
            guard case .unreachable = error, server.server == nil else { throw error }
            return nil
        }
    }

    private func faults(_ path: String, _ client: APIClient?) throws -> [GraphFault] {
        guard let client else { return try LocalRun.faults(inFile: path) }
        let (bytes, format) = try GraphFile.read(path)
        return try DocumentFaults.ask(client, bytes, format)
    }

    private func report(_ path: String, _ faults: [GraphFault]) throws(OutputFailure) {
        if json {
            let object: JSONObject = [
                "file": JSONText(path), "valid": JSONText(faults.isEmpty),
                "errors": JSONText(array: faults.map(\.json)),
            ]
            return try Terminal.print(json: JSONText(object))
        }
        let path = path == StandardInput.name ? StandardInput.title : path
        if faults.isEmpty { try Terminal.print("\(TerminalText.line(path)): valid") }
        for fault in faults {
            try Terminal.print(TerminalText.line(DocumentFaults.line(fault, in: path)))
        }
    }
}
