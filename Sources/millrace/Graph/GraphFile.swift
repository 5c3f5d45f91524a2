import Client
import Glibc
import Graphs
import HTTP
import JSON
import Linux

/// The bytes of a document, and how it is written.
typealias GraphText = (bytes: [UInt8], format: GraphFormat)

/// A graph document in a file, read so far as to know which graph it is. Whether its nodes can be run is for the daemon
/// to judge, which knows their kinds.
struct GraphFile {
    let path: String
    let graph: Graph

    var id: String { graph.document.id }

    /// - Throws: a `CommandFailure` that names the file and every fault in it.
    init(path: String) throws(CommandFailure) {
        try self.init(try Self.read(path), from: path)
    }

    /// A document that was read already.
    init(_ text: GraphText, from path: String) throws(CommandFailure) {
        try self.init(text.bytes, text.format, from: path)
    }

    /// A document of a daemon, as JSON.
    /// - Parameter path: how it is called in a failure.
    init(document bytes: [UInt8], from path: String) throws(CommandFailure) {
        try self.init(bytes, .json, from: path)
    }

    private init(_ bytes: [UInt8], _ format: GraphFormat, from path: String) throws(CommandFailure) {
        do {
            self.path = path
            graph = try Graph.parse(bytes, format: format, vocabulary: AnyVocabulary(), files: GraphFiles()).graph
        } catch {
            throw CommandFailure(DocumentFaults.text(error.faults, in: path))
        }
    }

    /// The bytes of a document, and how it is written: JSON if its name ends so, else YAML.
    static func read(_ path: String) throws(CommandFailure) -> GraphText {
        if path == StandardInput.name { return try StandardInput.document() }
        do {
            let bytes = try SmallFile.read(path, bytesMax: GraphBounds.documentBytesMax)
            return (bytes, path.lowercased().hasSuffix(".json") ? .json : .yaml)
        } catch {
            throw CommandFailure("cannot read \(path): \(error.code)")
        }
    }

    /// Whether a document can be read from there: from stdin, or from what is no folder.
    static func exists(_ path: String) -> Bool {
        if path == StandardInput.name { return true }
        var status = stat()
        return stat(path, &status) == 0 && status.st_mode & S_IFMT != S_IFDIR
    }

    /// Asks a daemon for a graph that an argument names by its id.
    /// - Throws: `CommandFailure` where the argument is rather the name of a file that is not there, or of a folder.
    static func byID<Answer>(_ text: String, _ ask: () throws -> Answer) throws -> Answer {
        var status = stat()
        let isFolder = stat(text, &status) == 0 && status.st_mode & S_IFMT == S_IFDIR
        let folderWords = "\(text) is a folder; give one of the graph documents in it, or the id of a graph"
        guard !looksLikePath(text) else {
            throw CommandFailure(
                isFolder ? folderWords : "there is no file \(text); give a graph document or the id of a graph")
        }
        do {
            return try ask()
        } catch let error as ClientError where isFolder {
            switch error {
            case .refused(let problem) where problem.status == 404: throw CommandFailure(folderWords)
            case .unreachable: throw CommandFailure("\(folderWords); \(error)", status: .unreachable)
            default: throw error
            }
        }
    }

    /// Whether a text is meant as a file's name rather than as a graph's id.
    static func looksLikePath(_ text: String) -> Bool {
        text.contains("/") || [".yaml", ".yml", ".json"].contains { text.lowercased().hasSuffix($0) }
    }
}

/// Takes every kind and condition.
private struct AnyVocabulary: NodeVocabulary {
    private let anything = try? ConfigSchema(JSONText.emptyObject)

    func schema(ofKind name: String) -> ConfigSchema? { anything }
    var kindNames: [String] { [] }
    var nodeCountMax: Int { GraphBounds.nodeCountCeiling }
    func faults(inConfig config: JSONObject, ofKind name: String, files: GraphFiles) -> [GraphFault] { [] }
    func fault(inCondition source: String) -> String? { nil }
}
