import ArgumentParser
import Client
import Glibc
import Graphs
import HTTP
import JSON

struct GraphRenderCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "render", abstract: "Draw a graph as an SVG picture.",
        prose: """
            Of a document in a file, without a daemon, or of one of the daemon's graphs. Where the document gives every node
            a position, that is where it stands; else the nodes stand in layers from left to right.

              millrace graph render triage.yaml --output triage.svg
              millrace graph render triage --revision 3 > triage.svg
              millrace graph render triage --layout | firefox /dev/stdin
            """)

    @Argument(
        help: ArgumentHelp("A graph document, or the id of a graph.", valueName: "file|id"),
        completion: Completions.graphs)
    var graph: String

    @Flag(help: "Draw SVG, which is the default and the only format.")
    var svg = false

    @Flag(help: "Lay the graph out anew, whatever positions the document has.")
    var layout = false

    @Option(help: ArgumentHelp("An old revision of a graph of the daemon.", valueName: "number"))
    var revision: Int?

    @Option(
        name: .shortAndLong, help: ArgumentHelp("Write to a file instead of stdout.", valueName: "file"),
        completion: .file())
    var output: String?

    @OptionGroup var server: ServerOptions

    func validate() throws {
        if let revision, revision < 1 { throw ValidationError("--revision takes a number from 1 on.") }
    }

    func run() throws {
        try reportingFailures {
            let text = GraphSVG(try read(), keepsPositions: !layout).text
            if let output { try Self.write(text, to: output) } else { try Terminal.write(text) }
            return .success
        }
    }

    private func read() throws -> Graph {
        if GraphFile.exists(graph) {
            guard revision == nil else {
                throw CommandFailure("--revision is for the graphs of a daemon, not for files", status: .usage)
            }
            return try GraphFile(path: graph).graph
        }
        let query = revision.map { [(name: "revision", value: String($0))] } ?? []
        let response = try GraphFile.byID(graph) {
            try server.client().call(ClientRequest(.get, ["api", "graphs", graph], query: query))
        }
        return try GraphFile(document: try response.json().withoutRevision.bytes, from: "graph \(graph)").graph
    }

    private static func write(_ text: String, to path: String) throws(CommandFailure) {
        let file = fopen(path, "we")
        let code = errno
        guard let file else { throw CommandFailure("cannot write \(path): \(String(cString: strerror(code)))") }
        let bytes = Array(text.utf8)
        let count = fwrite(bytes, 1, bytes.count, file)
        guard fclose(file) == 0, count == bytes.count else {
            throw CommandFailure("cannot write \(path): \(String(cString: strerror(errno)))")
        }
    }
}
