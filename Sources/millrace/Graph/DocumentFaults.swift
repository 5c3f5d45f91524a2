import Client
import Graphs
import HTTP
import JSON

/// What is wrong with a document, as commands ask for it and tell it.
enum DocumentFaults {
    /// All faults of a document by the kinds of nodes and the graphs folder that a daemon has; nothing is stored.
    static func ask(
        _ client: APIClient, _ bytes: [UInt8], _ format: GraphFormat
    ) throws(ClientError) -> [GraphFault] {
        let body = ClientRequest.Body(format == .yaml ? .yaml : .json, bytes)
        let answer = try client.call(ClientRequest(.post, ["api", "graphs", "validate"], body: body)).object()
        return list(answer["errors"])
    }

    /// The `errors` of an answer.
    static func list(_ errors: JSONText?) -> [GraphFault] {
        (errors?.array ?? []).map { error in
            var place: TextPlace?
            if let line = error["line"]?.int, let column = error["column"]?.int {
                place = TextPlace(line: line, column: column)
            }
            return GraphFault(
                pointer: error["pointer"]?.string ?? "", message: error["message"]?.string ?? "", place: place)
        }
    }

    /// `file:line:column: pointer: message`, as compilers tell it, so that editors and terminals find the place.
    static func line(_ fault: GraphFault, in file: String) -> String {
        let file = file == StandardInput.name ? StandardInput.title : file
        let place = fault.place.map { ":\($0.line):\($0.column)" } ?? ""
        let pointer = fault.pointer.isEmpty ? "" : "\(fault.pointer): "
        return "\(file)\(place): \(pointer)\(fault.message)"
    }

    /// A line for each.
    static func text(_ faults: [GraphFault], in file: String) -> String {
        faults.map { line($0, in: file) }.joined(separator: "\n")
    }
}
