/// How far a graph document may go. Each bound keeps one document from taking the daemon's memory or time;
/// a document beyond one of them is refused with a fault that names it.
package enum GraphBounds {
    /// Bytes of a document, JSON or YAML: the bound of a request body, so that what a file may hold can be posted too.
    package static let documentBytesMax = 8 << 20
    /// Bytes that aliases and merge keys of a YAML document may add by repetition; a "billion laughs" ends here.
    package static let aliasBytesMax = 1 << 20
    /// Nested arrays and objects in a document: far beyond what people write, well below what recursion can carry.
    package static let depthMax = 100
    /// Bytes of one file named by a node's config.
    package static let fileBytesMax = 4 << 20
    /// Bytes of all files named by one document: they are kept with every revision.
    package static let filesBytesMax = 16 << 20
    /// CPU time of compiling all conditions, templates and programs of one document: several times what the largest takes that
    /// people write, and little enough that the next document does not wait for long.
    package static let compileMilliseconds = 5_000
    /// Bytes of all Python files that one document's nodes import from its folder: they are kept with every revision.
    package static let importedBytesMax = 16 << 20
    /// Such files: a large package of one's own; what is installed does not count.
    package static let importedFilesMax = 2_000
    /// Folders that are looked through for what one document's nodes import.
    package static let importFoldersMax = 2_000
    /// Names of one such folder; a larger one holds data, and nothing is imported from it by what is kept with a revision.
    package static let folderNamesMax = 100_000
    /// Modules that were looked for and not found, and are remembered in case that they appear.
    package static let importLookupsMax = 20_000
    /// Bytes of the path of an interpreter: PATH_MAX of Linux.
    package static let interpreterBytesMax = 4_096
    /// Nodes of a graph at most, where nothing else is said (`graphs.nodes_max`).
    package static let nodeCountMax = 10_000
    /// What that may be raised to.
    package static let nodeCountCeiling = 1_000_000
    /// Edges of a graph: ten for each node of the largest one, and no fewer where only small ones may be.
    package static func edgeCountMax(forNodes count: Int) -> Int { 10 * max(count, nodeCountMax) }
    /// Graphs within nodes within graphs.
    package static let nestingMax = 8
    /// Nodes that run at once.
    package static let maxParallelNodes = 1...10_000
    /// Timeout of an execution or a node: up to 31 days, which covers the longest delay, and a run that waits for people.
    package static let timeoutMilliseconds = 1...2_678_400_000
    /// Tokens that language models may use in an execution: more than the dearest would be paid for.
    package static let tokens = 1...1_000_000_000_000
    /// Attempts of a node, the first included.
    package static let maxAttempts = 1...100
    /// Delay before the second attempt: up to an hour.
    package static let retryDelayMilliseconds = 0...3_600_000
    /// Factor by which each delay exceeds the one before it.
    package static let backoff = 1.0...100.0
    /// Coordinates of a node's position: beyond any canvas, and exact as a double.
    package static let coordinate = -1e9...1e9
    /// Characters of a graph's or node's id.
    package static let idLengthMax = 64
}
