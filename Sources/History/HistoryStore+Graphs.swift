import Foundation
import Executions
import GRDB
import Graphs
import JSON

extension HistoryStore: GraphStore {
    package func currentGraphs() throws(StoreError) -> [StoredGraph] {
        try read { database in
            let rows = try Row.fetchAll(database, sql: "\(Self.latest) WHERE is_deletion = 0 ORDER BY graph_id")
            let contents = KeptContents()
            return try rows.map { try StoredGraph($0, database, contents) }
        }
    }

    /// A deletion has no document: nil.
    package func graph(_ id: String, revision: Int) throws(StoreError) -> StoredGraph? {
        graphUses.willUse(revision, of: id)
        return try read { database in
            let row = try Row.fetchOne(
                database, sql: "\(Self.each) WHERE graph_id = ? AND revision = ? AND is_deletion = 0",
                arguments: [id, revision])
            return try row.map { try StoredGraph($0, database, KeptContents()) }
        }
    }

    package func text(ofGraph id: String, revision: Int) throws(StoreError) -> [UInt8]? {
        graphUses.willUse(revision, of: id)
        return try read { database in
            let sql = """
                SELECT text FROM graphs JOIN graph_revisions USING (graph_key) WHERE graph_id = ? AND revision = ?
                """
            let text = try Row.fetchOne(database, sql: sql, arguments: [id, revision])?[0] as Data?
            return text.map { Array($0) }
        }
    }

    package func revisions(ofGraph id: String) throws(StoreError) -> [GraphRevisionSummary] {
        try read { database in
            let sql = """
                SELECT graph_id, revision, created_at, is_deletion, file_name FROM graph_revisions JOIN graphs USING (graph_key)
                WHERE graph_id = ? ORDER BY revision DESC
                """
            return try Row.fetchAll(database, sql: sql, arguments: [id]).map { GraphRevisionSummary($0) }
        }
    }

    package func graphHeads() throws(StoreError) -> [String: GraphHead] {
        try read { database in
            // One row for each graph: the columns stand for the row with the maximum (sqlite.org/lang_select.html#bareagg).
            let sql = """
                SELECT graph_id, max(revision), is_deletion FROM graphs JOIN graph_revisions USING (graph_key)
                GROUP BY graph_key
                """
            let rows = try Row.fetchAll(database, sql: sql)
            return Dictionary(uniqueKeysWithValues: rows.map { ($0[0], GraphHead(revision: $0[1], isDeletion: $0[2])) })
        }
    }

    package func put(_ graph: NewGraph, expecting: Int, _ reply: @escaping StoreReply<GraphChange>) {
        let bytes = graph.files.all.values.reduce(graph.document.bytes.count + (graph.text?.count ?? 0)) {
            $0 + $1.count
        }
        graphUses.graphsHaveChanged()
        write(
            bytes: bytes,
            { database -> GraphChange in
                let head = try database.graphHead(of: graph.id)
                guard head.revision == expecting else { return .refused(head) }
                let next = head.revision + 1
                let key = try database.graphKey(of: graph.id)
                let summary = GraphRevisionSummary(
                    graphID: graph.id, revision: next, createdAtMicroseconds: graph.createdAtMicroseconds,
                    isDeletion: false,
                    fileName: graph.loadedFrom?.fileName)
                try database.insert(summary, key, document: graph.document, text: graph.text, folder: graph.folder)
                for (name, content) in KeptName.names(of: graph.files) {
                    try database.execute(
                        sql: "INSERT INTO graph_files(graph_key, revision, name, content_key) VALUES (?, ?, ?, ?)",
                        arguments: [key, next, name, try database.contentKey(of: content)])
                }
                if let (fileName, fingerprint) = graph.loadedFrom {
                    try database.execute(
                        sql: "INSERT OR REPLACE INTO loaded_files(file_name, fingerprint, graph_key) VALUES (?, ?, ?)",
                        arguments: [fileName, fingerprint, key])
                }
                return .stored(summary)
            }, reply)
    }

    package func deleteGraph(
        _ id: String, expecting: Int, atMicroseconds: Int64, _ reply: @escaping StoreReply<GraphChange>
    ) {
        graphUses.graphsHaveChanged()
        write(
            { database -> GraphChange in
                let head = try database.graphHead(of: id)
                guard head.revision == expecting, head.current > 0 else { return .refused(head) }
                let key = try database.graphKey(of: id)
                let summary = GraphRevisionSummary(
                    graphID: id, revision: head.revision + 1, createdAtMicroseconds: atMicroseconds, isDeletion: true,
                    fileName: nil)
                try database.insert(summary, key, document: nil, text: nil, folder: nil)
                // Another graph of that id has nothing to do with them.
                try database.execute(sql: "DELETE FROM graph_threads WHERE graph_key = ?", arguments: [key])
                return .stored(summary)
            }, reply)
    }

    package func loadedFiles() throws(StoreError) -> [String: String] {
        try read { database in
            let rows = try Row.fetchAll(database, sql: "SELECT file_name, fingerprint FROM loaded_files")
            return Dictionary(uniqueKeysWithValues: rows.map { ($0[0], $0[1]) })
        }
    }

    private static let each = """
        SELECT graph_id, revision, created_at, is_deletion, file_name, graph_key, folder, document
        FROM graphs JOIN graph_revisions USING (graph_key)
        """
    private static let latest = """
        SELECT graph_id, revision, created_at, is_deletion, file_name, graphs.graph_key, folder, document
        FROM graphs JOIN graph_revisions AS latest ON latest.graph_key = graphs.graph_key AND revision =
            (SELECT max(revision) FROM graph_revisions WHERE graph_key = graphs.graph_key)
        """
}

/// What a file of a revision is called in `graph_files`: by its name in the document; one that is imported by its path behind
/// a prefix, which no name in a document has.
private enum KeptName {
    private static let imported = "./"
    private static let shown = "././"

    static func names(of files: GraphFiles) -> [(name: String, content: [UInt8])] {
        files.files.map { ($0.key, $0.value) }
            + files.imported.map { path, content in
                ((files.shown.contains(path) ? shown : imported) + path, content)
            }
    }

    static func add(_ name: String, _ content: [UInt8], to files: inout GraphFiles) {
        if name.hasPrefix(shown) {
            let path = String(name.dropFirst(shown.count))
            files.imported[path] = content
            files.shown.insert(path)
        } else if name.hasPrefix(imported) {
            files.imported[String(name.dropFirst(imported.count))] = content
        } else {
            files.files[name] = content
        }
    }
}

/// Contents while graphs are read: what many of them import is in memory once.
private final class KeptContents {
    private var contents: [Int64: [UInt8]] = [:]

    func content(_ key: Int64, _ database: Database) throws -> [UInt8] {
        if let known = contents[key] { return known }
        let sql = "SELECT content FROM file_contents WHERE content_key = ?"
        let content = try Data.fetchOne(database, sql: sql, arguments: [key]).map { Array($0) } ?? []
        contents[key] = content
        return content
    }
}

extension GraphRevisionSummary {
    fileprivate init(_ row: Row) {
        self.init(
            graphID: row[0], revision: row[1], createdAtMicroseconds: row[2], isDeletion: row[3], fileName: row[4])
    }
}

extension StoredGraph {
    fileprivate init(_ row: Row, _ database: Database, _ contents: KeptContents) throws {
        let summary = GraphRevisionSummary(row)
        let key: Int64 = row[5]
        let sql = "SELECT name, content_key FROM graph_files WHERE graph_key = ? AND revision = ?"
        var files = GraphFiles()
        for row in try Row.fetchAll(database, sql: sql, arguments: [key, summary.revision]) {
            KeptName.add(row[0], try contents.content(row[1], database), to: &files)
        }
        let document: String = row[7]
        self.init(
            summary: summary, document: JSONText(trusted: Array(document.utf8)), files: files, folder: row[6])
    }
}

extension Database {
    fileprivate func graphHead(of graphID: String) throws -> GraphHead {
        let sql = """
            SELECT revision, is_deletion FROM graph_revisions
            WHERE graph_key = (SELECT graph_key FROM graphs WHERE graph_id = ?) ORDER BY revision DESC LIMIT 1
            """
        let latest = try Row.fetchOne(self, sql: sql, arguments: [graphID])
        return latest.map { GraphHead(revision: $0[0], isDeletion: $0[1]) } ?? .none
    }

    fileprivate func insert(
        _ summary: GraphRevisionSummary, _ graphKey: Int64, document: JSONText?, text: [UInt8]?, folder: String?
    ) throws {
        let sql = """
            INSERT INTO graph_revisions(graph_key, revision, created_at, is_deletion, file_name, folder, document, text)
            VALUES (?, ?, ?, ?, ?, ?, ?, ?)
            """
        try execute(
            sql: sql,
            arguments: [
                graphKey, summary.revision, summary.createdAtMicroseconds, summary.isDeletion, summary.fileName, folder,
                document?.description, text.map { Data($0) },
            ])
    }

    /// The key of a content; kept once, however often it is put.
    fileprivate func contentKey(of content: [UInt8]) throws -> Int64 {
        let blob = Data(content)
        let fingerprint = fnv1a(content)
        let sql = "SELECT content_key FROM file_contents WHERE fingerprint = ? AND content = ?"
        if let key = try Int64.fetchOne(self, sql: sql, arguments: [fingerprint, blob]) { return key }
        try execute(
            sql: "INSERT INTO file_contents(fingerprint, content) VALUES (?, ?)", arguments: [fingerprint, blob])
        return lastInsertedRowID
    }
}

/// FNV-1a in 64 bits (RFC 9923).
private func fnv1a(_ bytes: [UInt8]) -> Int64 {
    var hash: UInt64 = 0xCBF2_9CE4_8422_2325
    for byte in bytes { hash = (hash ^ UInt64(byte)) &* 0x100_0000_01B3 }
    return Int64(bitPattern: hash)
}
