import ArgumentParser
import Client
import Graphs
import HTTP
import JSON

struct GraphValidateCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "validate", abstract: "Check graph documents, and store nothing.",
        prose: """
            Names every fault and its place in the document (a JSON Pointer). Exit status 1 if there is any.

              millrace graph validate graphs/*.yaml
            """)

    @Argument(help: "Documents: JSON if the name ends in .json, else YAML; - is stdin.", completion: .file())
    var files: [String]

    @Flag(help: "Print a line of JSON for each file: {\"file\": …, \"valid\": …, \"errors\": […]}.")
    var json = false

    @OptionGroup var server: ServerOptions

    private typealias Fault = (pointer: String, message: String)

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

    private func faults(_ path: String, _ client: APIClient?) throws -> [Fault] {
        guard let client else { return try LocalRun.faults(inFile: path) }
        let (bytes, format) = try GraphFile.read(path)
        let body = ClientRequest.Body(format == .yaml ? .yaml : .json, bytes)
        let answer = try client.call(ClientRequest(.post, ["api", "graphs", "validate"], body: body)).object()
        return (answer["errors"]?.array ?? []).map { error in
            (error["pointer"]?.string ?? "", error["message"]?.string ?? "")
        }
    }

    private func report(_ path: String, _ faults: [Fault]) throws(OutputFailure) {
        if json {
            let errors = faults.map { ["pointer": JSONText($0.pointer), "message": JSONText($0.message)] as JSONText }
            let object: JSONObject = [
                "file": JSONText(path), "valid": JSONText(faults.isEmpty), "errors": JSONText(array: errors),
            ]
            return try Terminal.print(json: JSONText(object))
        }
        let path = path == StandardInput.name ? StandardInput.title : path
        if faults.isEmpty { try Terminal.print("\(TerminalText.line(path)): valid") }
        for fault in faults {
            let place = fault.pointer.isEmpty ? path : "\(path): \(fault.pointer)"
            try Terminal.print(TerminalText.line("\(place): \(fault.message)"))
        }
    }
}
