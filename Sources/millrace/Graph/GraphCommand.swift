import ArgumentParser
import Client
import Graphs
import HTTP
import JSON

struct GraphCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "graph", abstract: "Look at, store, check, draw and delete the daemon's graphs.",
        prose: """
              millrace graph list
              millrace graph show triage --yaml
              millrace graph put triage.yaml

            \(CommandStatus.help)
            """,
        subcommands: [
            GraphListCommand.self, GraphShowCommand.self, GraphPutCommand.self, GraphDeleteCommand.self,
            GraphValidateCommand.self, GraphImportCommand.self, GraphRenderCommand.self,
            GraphProfileCommand.self,
        ])
}

struct GraphListCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "list", abstract: "List the graphs.",
        prose: "  millrace graph list --json | jq -r '.items[].id'")

    @Flag(help: "Print JSON: {\"items\": […]}.")
    var json = false

    @OptionGroup var server: ServerOptions

    func run() throws {
        try reportingFailures {
            let items = try server.client().pages(["api", "graphs"], limit: .max)
            if json {
                try Terminal.print(json: JSONText(["items": JSONText(array: items)] as JSONObject))
            } else {
                try Self.table(items).print()
            }
            return .success
        }
    }

    static func table(_ items: [JSONText]) -> TextTable {
        var table = TextTable(["ID", "REVISION", "NODES", "EDGES", "UPDATED", "NAME"])
        for item in items {
            table.add([
                item["id"]?.string ?? "", item["revision"]?.description ?? "", item["node_count"]?.description ?? "",
                item["edge_count"]?.description ?? "", ReadableText.time(item["updated_at"]),
                item["name"]?.string ?? "",
            ])
        }
        return table
    }
}

struct GraphShowCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "show", abstract: "Print a graph's document.",
        prose: "  millrace graph show triage --yaml --revision 3 > triage.yaml")

    @Argument(help: "The graph's id.", completion: Completions.graphs)
    var id: String

    @Flag(help: "Print YAML.")
    var yaml = false

    @Flag(help: "Print JSON in one line.")
    var json = false

    @Option(help: ArgumentHelp("An old revision.", valueName: "number"))
    var revision: Int?

    @OptionGroup var server: ServerOptions

    func validate() throws {
        if yaml, json { throw ValidationError("--yaml and --json exclude each other.") }
        if let revision, revision < 1 { throw ValidationError("--revision takes a number from 1 on.") }
    }

    func run() throws {
        try reportingFailures {
            let query = revision.map { [(name: "revision", value: String($0))] } ?? []
            let type: MediaType = yaml ? .yaml : .json
            let request = ClientRequest(.get, ["api", "graphs", id], query: query, headers: ["Accept": type.essence])
            let response = try server.client().call(request)
            if yaml {
                let text = String(decoding: response.body, as: UTF8.self)
                let lines = Terminal.isInteractive ? TerminalText.lines(text).joined(separator: "\n") : text
                try Terminal.write(lines)
            } else {
                try Terminal.print(json: try response.json().withoutRevision, indented: !json)
            }
            return .success
        }
    }
}

struct GraphPutCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "put", abstract: "Store graph documents in the daemon.",
        prose: """
            Each file makes a new revision of the graph that its id names, unless the daemon has just that document. It is
            stored as it is written, comments too. All files are checked before the first is stored.

              millrace graph put graphs/*.yaml
            """)

    @Argument(help: "Documents: JSON if the name ends in .json, else YAML; - is stdin.", completion: .file())
    var files: [String]

    @Flag(help: "Print a line of JSON for each file.")
    var json = false

    @OptionGroup var server: ServerOptions

    func validate() throws {
        if let fault = StandardInput.fault(in: files) { throw ValidationError(fault) }
    }

    func run() throws {
        try reportingFailures {
            let texts = try files.map { path throws(CommandFailure) in (path, try GraphFile.read(path)) }
            let upload = GraphUpload(try server.client())
            let documents = try Self.checked(texts, upload)
            for document in documents {
                let result: (GraphUpload.Outcome, String)
                do throws(ClientError) {
                    result = try upload.put(document)
                } catch {
                    guard case .refused = error else { throw error }
                    throw CommandFailure("\(document.path): \(error)")
                }
                try report(document, result)
            }
            return .success
        }
    }

    /// All of them; where some have faults, all of those are told.
    private static func checked(
        _ texts: [(path: String, text: GraphText)], _ upload: GraphUpload
    ) throws -> [GraphUpload.Document] {
        var documents: [GraphUpload.Document] = []
        var faults: [String] = []
        for (path, text) in texts {
            do {
                documents.append(try upload.check(path, text.bytes, text.format))
            } catch let failure as CommandFailure {
                faults.append(failure.description)
            }
        }
        guard faults.isEmpty else { throw CommandFailure(faults.joined(separator: "\n")) }
        return documents
    }

    private func report(_ file: GraphUpload.Document, _ result: (outcome: GraphUpload.Outcome, revision: String))
        throws(OutputFailure)
    {
        if json {
            let object: JSONObject = [
                "file": JSONText(file.path), "id": JSONText(file.id),
                "revision": Int(result.revision).map { JSONText($0) } ?? .null,
                "outcome": JSONText(result.outcome.rawValue),
            ]
            try Terminal.print(json: JSONText(object))
        } else {
            try Terminal.print("\(file.id)  revision \(result.revision)  \(result.outcome.rawValue)")
        }
    }
}

struct GraphDeleteCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "delete", abstract: "Delete graphs from the daemon.",
        prose: """
            Their executions stay in the history. A graph of the graphs folder comes back when its file changes.

              millrace graph delete triage
            """)

    @Argument(help: "The graphs' ids.", completion: Completions.graphs)
    var ids: [String]

    @OptionGroup var server: ServerOptions

    func run() throws {
        try reportingFailures {
            let client = try server.client()
            for id in ids {
                _ = try client.call(ClientRequest(.delete, ["api", "graphs", id]))
                try Terminal.print("\(TerminalText.line(id))  deleted")
            }
            return .success
        }
    }
}
