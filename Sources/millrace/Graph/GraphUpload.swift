import Client
import Graphs
import HTTP
import JSON

/// Stores documents in a daemon, each only if it is new there or differs.
struct GraphUpload {
    enum Outcome: String {
        case created, replaced, unchanged
    }

    private let client: APIClient

    init(_ client: APIClient) {
        self.client = client
    }

    /// - Throws: `refused` with every fault, and where somebody else has changed the graph in the meantime.
    func put(_ file: GraphFile) throws(ClientError) -> (outcome: Outcome, revision: String) {
        let path = ["api", "graphs", file.id]
        let current = try current(path)
        if let current, current.source == file.source { return (.unchanged, current.revision) }
        // Whoever changes it between the look and the change is not overwritten.
        let condition: HeaderFields = current.map { ["If-Match": "\"\($0.revision)\""] } ?? ["If-None-Match": "*"]
        let response = try client.call(ClientRequest(.put, path, headers: condition, body: .json(file.source)))
        return (current == nil ? .created : .replaced, try Self.revision(response))
    }

    private func current(_ path: [String]) throws(ClientError) -> (source: JSONText, revision: String)? {
        do {
            let response = try client.call(ClientRequest(.get, path))
            return (try response.json().withoutRevision, try Self.revision(response))
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
