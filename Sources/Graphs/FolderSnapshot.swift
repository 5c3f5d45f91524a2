/// One look at a folder: each file is read once and each folder listed once, however many documents ask for them, so that
/// all of them are judged by the same content. It remembers where it has looked, for whoever watches what it depends on.
package final class FolderSnapshot: GraphFileSource {
    /// What one document was made of.
    package struct Trail: Sendable, Equatable {
        /// Paths below the folder of the files that were read, and of those that were not there.
        package var paths: Set<String> = []
        /// True paths of files that a link leads to.
        package var linkedPaths: Set<String> = []
        /// True paths of the folders that were listed, by their paths below the folder.
        package var folders: [String: String] = [:]

        package init() {}
    }

    package let folder: FolderFiles
    private var contents: [String: Result<(content: [UInt8], truePath: String), GraphFileError>] = [:]
    private var listings: [String: (names: Set<String>, truePath: String)?] = [:]
    private var trail = Trail()

    package init(path: String) {
        folder = FolderFiles(path: path)
    }

    /// What was asked for since the last call.
    package func takeTrail() -> Trail {
        defer { trail = Trail() }
        return trail
    }

    package func read(_ name: String) throws(GraphFileError) -> [UInt8] {
        let found: Result<(content: [UInt8], truePath: String), GraphFileError>
        if let known = contents[name] {
            found = known
        } else {
            found = Result { () throws(GraphFileError) in try folder.readFile(name) }
            contents[name] = found
        }
        return try follow(name, found)
    }

    func readDocument(_ name: String) throws(GraphFileError) -> [UInt8] {
        try follow(name, Result { () throws(GraphFileError) in try folder.readDocument(name) })
    }

    package func names(inFolder name: String) -> Set<String>? {
        let found: (names: Set<String>, truePath: String)?
        if let known = listings[name] {
            found = known
        } else {
            found = folder.listFolder(name)
            listings[name] = .some(found)
        }
        guard let found else { return nil }
        trail.folders[name] = found.truePath
        return found.names
    }

    private func follow(
        _ name: String, _ found: Result<(content: [UInt8], truePath: String), GraphFileError>
    ) throws(GraphFileError) -> [UInt8] {
        trail.paths.insert(name)
        let (content, truePath) = try found.get()
        if truePath != "\(folder.path)/\(name)" { trail.linkedPaths.insert(truePath) }
        return content
    }
}
