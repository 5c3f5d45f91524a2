// Which Python files of a folder belong to a graph: those that the imports of its nodes' code lead to, one after another.
// Python looks for a module in the folders of `sys.path`: in a worker that is the node's own folder first, the graph's folder
// last. What is found in neither is installed, or part of Python, and no part of the graph.

/// Gathers the Python files that code imports from the folder of its graph, within common bounds.
struct ImportedFiles<Source: GraphFileSource> {
    /// Code, and where its absolute imports are looked for.
    private struct Place: Hashable {
        /// The path of the file; for the code of a document, its own place in no folder.
        let path: String
        let ownFolder: String
    }

    private let source: Source
    private let named: GraphFiles
    private(set) var imported: [String: [UInt8]] = [:]
    /// Paths without their endings where a module was looked for and not found: what appears there later will be imported.
    private(set) var absent: Set<String> = []
    private var byteCount = 0
    private var waiting: [(place: Place, imports: [PythonImports.Import])] = []
    private var known: Set<Place> = []
    private var listings: [String: Set<String>?] = [:]
    private var importsOfFile: [String: [PythonImports.Import]] = [:]
    private(set) var fault: String?

    init(_ source: Source, named: GraphFiles) {
        self.source = source
        self.named = named
    }

    /// Adds all that the code of a document leads to, and files that a run has shown to be imported.
    mutating func add(_ code: [NodeCode.Source], shown: Set<String> = []) {
        for code in code {
            switch code {
            case .file(let name): enter(name, ownFolder: Self.folder(of: name))
            case .inline(let text):
                waiting.append((Place(path: "", ownFolder: ""), PythonImports(Array(text.utf8)).imports))
            }
        }
        for path in shown.sorted() where take(path) { enter(path, ownFolder: "") }
        while fault == nil, let (place, imports) = waiting.popLast() {
            for found in imports where fault == nil { follow(found, from: place) }
        }
    }

    /// Has the imports of a file followed that is here already, once for each folder that they may be looked for in.
    private mutating func enter(_ path: String, ownFolder: String) {
        let place = Place(path: path, ownFolder: ownFolder)
        guard let content = named[path] ?? imported[path], known.insert(place).inserted else { return }
        let imports = importsOfFile[path] ?? PythonImports(content).imports
        importsOfFile[path] = imports
        waiting.append((place, imports))
    }

    private mutating func follow(_ found: PythonImports.Import, from place: Place) {
        if found.level > 0 {
            guard let base = Self.ancestor(of: Self.folder(of: place.path), by: found.level - 1) else { return }
            enterPackages(above: base, place)
            _ = resolve(found, in: base, place)
            return
        }
        // Where both folders are one it is looked through once.
        if !resolve(found, in: place.ownFolder, place), !place.ownFolder.isEmpty { _ = resolve(found, in: "", place) }
    }

    /// To import something relative to a package runs that package, and those around it.
    private mutating func enterPackages(above folder: String, _ place: Place) {
        var folder = folder
        while !folder.isEmpty {
            addFile(Self.join(folder, "__init__.py"), place)
            folder = Self.folder(of: folder)
        }
    }

    /// Finds a module, and what is taken out of it, below a folder.
    /// - Returns: whether its first word is there; then Python looks nowhere else.
    private mutating func resolve(_ found: PythonImports.Import, in base: String, _ place: Place) -> Bool {
        var folder: String? = base
        for (index, word) in found.module.enumerated() {
            guard let within = folder else { break }
            let (isThere, next) = step(word, in: within, place)
            if !isThere { return index > 0 }
            folder = next
        }
        guard let package = folder else { return true }
        for name in found.names { _ = step(name, in: package, place) }
        return !found.module.isEmpty
    }

    /// One word of a module's name: a package, a module or a plain folder, in the order in which Python looks for them.
    private mutating func step(_ word: String, in folder: String, _ place: Place) -> (isThere: Bool, within: String?) {
        let path = Self.join(folder, word)
        if names(in: folder)?.contains(word) == true, let inside = names(in: path) {
            if inside.contains("__init__.py") {
                addFile(path + "/__init__.py", place)
                return (true, path)
            }
            if names(in: folder)?.contains(word + ".py") != true { return (true, path) }
        }
        if names(in: folder)?.contains(word + ".py") == true {
            addFile(path + ".py", place)
            return (true, nil)
        }
        if absent.count < GraphBounds.importLookupsMax { absent.insert(path) }
        return (false, nil)
    }

    private mutating func addFile(_ path: String, _ place: Place) {
        if take(path) { enter(path, ownFolder: place.ownFolder) }
    }

    /// Makes a file one of the graph's, if it can be had; what the daemon may not read, Python will have to do without too.
    private mutating func take(_ path: String) -> Bool {
        if named[path] != nil || imported[path] != nil { return true }
        guard fault == nil, names(in: Self.folder(of: path))?.contains(Self.name(of: path)) == true,
            let content = try? source.read(path)
        else { return false }
        guard imported.count < GraphBounds.importedFilesMax, byteCount + content.count <= GraphBounds.importedBytesMax
        else {
            fault =
                "with \(Suggestion.quoted(path)), what its nodes import from the folder exceeds "
                + "\(Wording.grouped(GraphBounds.importedFilesMax)) files or "
                + "\(Wording.grouped(GraphBounds.importedBytesMax)) bytes together"
            return false
        }
        byteCount += content.count
        imported[path] = content
        return true
    }

    private mutating func names(in folder: String) -> Set<String>? {
        if let known = listings[folder] { return known }
        guard listings.count < GraphBounds.importFoldersMax else { return nil }
        let names = source.names(inFolder: folder)
        listings[folder] = .some(names)
        return names
    }
}

// MARK: - Paths below the graph's folder, which is ""

extension ImportedFiles {
    private static func folder(of path: String) -> String {
        path.lastIndex(of: "/").map { String(path[..<$0]) } ?? ""
    }

    private static func name(of path: String) -> String {
        path.lastIndex(of: "/").map { String(path[path.index(after: $0)...]) } ?? path
    }

    private static func join(_ folder: String, _ name: String) -> String { folder.isEmpty ? name : "\(folder)/\(name)" }

    /// So many folders up; nil beyond the graph's folder.
    private static func ancestor(of folder: String, by count: Int) -> String? {
        var folder = folder
        for _ in 0..<count {
            if folder.isEmpty { return nil }
            folder = Self.folder(of: folder)
        }
        return folder
    }
}
