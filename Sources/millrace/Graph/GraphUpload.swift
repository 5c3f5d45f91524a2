import Client
import Graphs
import HTTP
import JSON

/// Stores documents in a daemon as they are written, each only if it is new there or differs.
struct GraphUpload {
    enum Outcome: String {
        case created, replaced, unchanged
    }

    /// A document that the daemon would take.
    struct Document {
        let path: String
        let id: String
        let bytes: [UInt8]
        let format: GraphFormat
    }

    private let client: APIClient

    init(_ client: APIClient) {
        self.client = client
    }

    /// Has the daemon check a document.
    /// - Throws: a `CommandFailure` with every fault.
    func check(_ path: String, _ bytes: [UInt8], _ format: GraphFormat) throws -> Document {
        let faults = try DocumentFaults.ask(client, bytes, format)
        guard faults.isEmpty, let id = try? Graph.source(bytes, format)["id"]?.string else {
            throw CommandFailure(DocumentFaults.text(faults, in: path))
        }
        return Document(path: path, id: id, bytes: bytes, format: format)
    }

    /// - Throws: `refused` with every fault, and where somebody else has changed the graph in the meantime.
    func put(_ document: Document) throws(ClientError) -> (outcome: Outcome, revision: String) {
        let path = ["api", "graphs", document.id]
        let type: MediaType = document.format == .yaml ? .yaml : .json
        let current = try current(path, type)
        if let current, isSame(current.body, document) { return (.unchanged, current.revision) }
        // Whoever changes it between the look and the change is not overwritten.
        let condition: HeaderFields = current.map { ["If-Match": "\"\($0.revision)\""] } ?? ["If-None-Match": "*"]
        let body = ClientRequest.Body(type, document.bytes)
        let response = try client.call(ClientRequest(.put, path, headers: condition, body: body))
        return (current == nil ? .created : .replaced, try Self.revision(response))
    }

    /// YAML is the same if all of it is, comments too; of JSON, the daemon keeps what it says.
    private func isSame(_ current: [UInt8], _ document: Document) -> Bool {
        if document.format == .yaml { return current == document.bytes }
        guard let ours = try? Graph.source(document.bytes, .json), let theirs = try? Graph.source(current, .json) else {
            return false
        }
        return ours == theirs
    }

    private func current(
        _ path: [String], _ type: MediaType
    ) throws(ClientError) -> (body: [UInt8], revision: String)? {
        do {
            let response = try client.call(ClientRequest(.get, path, headers: ["Accept": type.essence]))
            return (response.body, try Self.revision(response))
        } catch {
            guard case .refused(let problem) = error, problem.status == 404 else { throw error }
            return nil
        }
    }

    /// The revision that the `ETag` names: digits.
    private static func revision(_ response: ClientResponse) throws(ClientError) -> String {
        let digits = (response.headers["etag"] ?? "").filter { $0.isASCII && $0.isNumber }
        guard !digits.isEmpty else { throw .malformed("it names no revision of the graph") }
        return digits
    }
}
