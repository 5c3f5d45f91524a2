import JSON

/// Looks at Python files: which graphs they make. The daemon's own implementation runs each in a confined child.
package protocol PythonLooker: Sendable {
    /// What runs the Python files of a folder.
    func program(in folder: String) -> String
    /// Says by another text that something else is installed for a program than before.
    func installation(of program: String) -> String
    /// Runs a file and says what came of it.
    /// - Parameter done: called once, on any thread: short, never blocking.
    func look(at order: PythonLookOrder, _ done: @escaping @Sendable (PythonLookReply) -> Void)
}

/// Which file is looked at.
package struct PythonLookOrder: Sendable, Hashable {
    /// The working directory; paths in the answer begin there.
    package let folder: String
    /// The file's path below the folder.
    package let file: String
    /// Which of the module's names; nil: the one that is a graph.
    package let graph: String?
    package let program: String
    /// What a `langgraph.json` says of its graphs: `env` and `dependencies`, as far as it does.
    package let project: JSONText
    /// What stands in the file, where it is not on disk.
    package let code: [UInt8]?

    package init(
        folder: String, file: String, graph: String?, program: String, project: JSONText = .emptyObject,
        code: [UInt8]? = nil
    ) {
        self.folder = folder
        self.file = file
        self.graph = graph
        self.program = program
        self.project = project
        self.code = code
    }
}

package enum PythonLookReply: Sendable, Equatable {
    /// What `look.py` has written.
    case answer([UInt8])
    /// There is none, and why: another time there may be one.
    case none(String)
}
