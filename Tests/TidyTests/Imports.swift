/// Which target may import what. Imports run downward only; a row is an idea of the design, and a new row or a wider one is
/// a decision about it.
struct ImportTable {
    struct Row {
        let own: Set<String>
        let libraries: Set<String>
    }

    /// Modules that any target may import.
    static let everywhere: Set<String> = ["Glibc", "Synchronization"]

    static let rows: [String: Row] = [
        "CLinux": Row(own: [], libraries: []),
        "CSystemd": Row(own: [], libraries: []),
        "CLuaLibrary": Row(own: [], libraries: []),
        "CLua": Row(own: ["CLuaLibrary"], libraries: []),
        "CCurl": Row(own: [], libraries: []),
        "CCrypto": Row(own: [], libraries: []),
        "CSimdJSONLibrary": Row(own: [], libraries: []),
        "CSimdJSON": Row(own: ["CSimdJSONLibrary"], libraries: []),
        "millrace-exec": Row(own: [], libraries: []),
        "Linux": Row(own: ["CLinux"], libraries: []),
        "Reactor": Row(own: ["Linux", "Metrics"], libraries: ["DequeModule"]),
        "HTTPClient": Row(own: ["CCurl", "Linux", "Reactor"], libraries: []),
        "Secrets": Row(own: ["Linux"], libraries: []),
        "JSON": Row(own: ["CSimdJSON"], libraries: ["OrderedCollections"]),
        "HTTP": Row(own: [], libraries: []),
        "Digest": Row(own: [], libraries: []),
        "Auth": Row(own: ["Digest", "JSON", "Linux"], libraries: []),
        "Graphs": Row(own: ["Digest", "JSON"], libraries: ["Yams", "CYaml", "OrderedCollections"]),
        "Metrics": Row(own: [], libraries: []),
        "Executions": Row(
            own: ["Graphs", "JSON", "Linux"], libraries: ["HashTreeCollections", "OrderedCollections", "DequeModule"]),
        "ReactorServices": Row(own: ["Executions", "Linux", "Reactor"], libraries: []),
        "Sealing": Row(own: ["CCrypto", "Digest", "Executions", "JSON", "Linux"], libraries: []),
        "Nodes": Row(
            own: ["Executions", "Graphs", "HTTP", "HTTPClient", "JSON", "Linux", "Secrets", "CLua"],
            libraries: ["DequeModule"]),
        "History": Row(
            own: ["Executions", "Graphs", "JSON", "Linux", "Metrics"], libraries: ["GRDB", "GRDBSQLite", "Foundation"]),
        "Config": Row(own: [], libraries: ["Yams"]),
        "Systemd": Row(own: ["CSystemd", "Linux"], libraries: []),
        "Server": Row(
            own: ["Linux", "Reactor", "HTTP", "Digest", "Auth", "Metrics", "Executions", "Graphs", "JSON"],
            libraries: ["OrderedCollections", "DequeModule"]),
        "Client": Row(own: ["CCurl", "HTTP", "JSON", "Linux"], libraries: []),
        "millrace": Row(
            own: [
                "Linux", "Reactor", "Metrics", "JSON", "HTTP", "Graphs", "Auth", "Executions", "ReactorServices",
                "Nodes",
                "History", "HTTPClient", "Secrets",
                "Config", "Sealing", "Systemd", "Server", "Client",
            ],
            libraries: ["ArgumentParser", "Yams", "Logging", "Histogram", "OrderedCollections"]),
    ]

    /// The modules that a file imports, with their lines.
    static func imports(of file: SwiftFile) -> [(module: String, line: Int)] {
        file.code.lines.enumerated().compactMap { index, line in
            var words = line.split(separator: " ")
            words.removeAll { $0.hasPrefix("@") }
            if let access = words.first, ["public", "package", "internal", "fileprivate", "private"].contains(access) {
                words.removeFirst()
            }
            guard words.first == "import", let name = words.last else { return nil }
            return (String(name.split(separator: ".")[0]), index + 1)
        }
    }

    /// What is wrong with the imports of a target's file, a line for each.
    static func faults(_ file: SwiftFile, target: String) -> [String] {
        guard let row = rows[target] else {
            return ["\(file.path): the target \(target) has no row in the table of imports"]
        }
        let allowed = row.own.union(row.libraries).union(everywhere)
        return imports(of: file).filter { !allowed.contains($0.module) }.map {
            "\(file.path):\($0.line): \(target) may not import \($0.module)"
        }
    }

    /// A cycle among targets, as the names on it, or nil.
    static func cycle(in graph: [String: Set<String>]) -> [String]? {
        var done: Set<String> = []
        func visit(_ target: String, _ way: [String]) -> [String]? {
            if let start = way.firstIndex(of: target) { return Array(way[start...]) + [target] }
            guard done.insert(target).inserted else { return nil }
            for next in graph[target, default: []].sorted() {
                if let cycle = visit(next, way + [target]) { return cycle }
            }
            return nil
        }
        for target in graph.keys.sorted() {
            if let cycle = visit(target, []) { return cycle }
        }
        return nil
    }
}
