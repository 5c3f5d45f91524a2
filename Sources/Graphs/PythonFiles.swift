import Glibc

/// The Python files below a graphs folder that may make graphs, by what they are called and where they lie. Nothing is read.
package struct PythonFiles: Sendable, Equatable {
    /// Files that are looked at; a tree of more is somebody's library.
    private static let filesMax = 2_000
    private static let foldersMax = 2_000
    private static let depthMax = 16
    /// What `langgraph dev` reads: which graphs a project has.
    package static let manifestName = "langgraph.json"

    /// Paths below the folder, in their order.
    package private(set) var files: [String] = []
    package private(set) var manifests: [String] = []
    /// The folders that were looked through, "" for the folder itself: what appears in them may be one more.
    package private(set) var folders: [String] = []
    /// Whether there is more than is looked at.
    package private(set) var isCut = false

    package init(below path: String) {
        var waiting: [(folder: String, depth: Int)] = [("", 0)]
        while let (folder, depth) = waiting.popLast() {
            guard folders.count < Self.foldersMax else {
                isCut = true
                break
            }
            let entries = Self.entries(of: folder.isEmpty ? path : "\(path)/\(folder)")
            // The top folder is what it is, whatever lies in it.
            if !folder.isEmpty, entries.contains(where: { $0.name == "pyvenv.cfg" }) { continue }
            folders.append(folder)
            for (name, isFolder) in entries {
                let place = folder.isEmpty ? name : "\(folder)/\(name)"
                if isFolder {
                    if Self.isLookedThrough(name), depth < Self.depthMax { waiting.append((place, depth + 1)) }
                } else if name == Self.manifestName {
                    manifests.append(place)
                } else if Self.isLookedAt(name) {
                    files.append(place)
                }
            }
        }
        files.sort { $0.utf8.lexicographicallyPrecedes($1.utf8) }
        manifests.sort { $0.utf8.lexicographicallyPrecedes($1.utf8) }
        if files.count > Self.filesMax {
            files.removeLast(files.count - Self.filesMax)
            isCut = true
        }
    }

    /// Whether a change of a file of this name may make a graph or take one away.
    package static func concerns(_ name: String) -> Bool {
        name == manifestName || name.hasSuffix(".py") || name == "pyvenv.cfg"
    }

    private static func isLookedAt(_ name: String) -> Bool {
        name.hasSuffix(".py") && !name.hasPrefix(".") && !name.hasPrefix("test_") && name != "conftest.py"
    }

    private static func isLookedThrough(_ name: String) -> Bool {
        !name.hasPrefix(".") && !name.hasPrefix("_") && !name.hasPrefix("test_") && name != "node_modules"
    }

    /// What lies in a folder. A link counts as what it leads to, if that is a file: folders are entered by one way only.
    private static func entries(of path: String) -> [(name: String, isFolder: Bool)] {
        guard let folder = opendir(path) else { return [] }
        defer { closedir(folder) }
        var entries: [(name: String, isFolder: Bool)] = []
        while let entry = readdir(folder), entries.count < GraphBounds.folderNamesMax {
            let name = withUnsafeBytes(of: &entry.pointee.d_name) { name in
                String(decoding: name.prefix { $0 != 0 }, as: UTF8.self)
            }
            if name == "." || name == ".." { continue }
            var status = stat()
            guard lstat("\(path)/\(name)", &status) == 0 else { continue }
            entries.append((name, status.st_mode & S_IFMT == S_IFDIR))
        }
        return entries
    }
}
