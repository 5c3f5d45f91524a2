import Glibc

extension GraphDocument {
    /// The virtual environment that is used where a document says nothing.
    package static let environmentName = ".venv"

    /// What runs the Python nodes of a document that stands in `folder`: what it says, or the interpreter of a virtual
    /// environment beside it if there is one. Nil: what the configuration says.
    package func interpreter(in folder: String?) -> String? {
        Self.interpreter(interpreter, in: folder)
    }

    /// What runs Python files of a folder that no document speaks of: its virtual environment. Nil: what the configuration says.
    package static func interpreter(ofFilesIn folder: String) -> String? { interpreter(nil, in: folder) }

    fileprivate static func interpreter(_ said: String?, in folder: String?) -> String? {
        if let said {
            guard let folder, !said.hasPrefix("/") else { return said }
            return "\(folder)/\(said)"
        }
        guard let folder else { return nil }
        let found = "\(folder)/\(environmentName)/bin/python"
        return access(found, X_OK) == 0 ? found : nil
    }
}

extension DocumentCode {
    /// What runs it, as that of a document.
    package func interpreter(in folder: String?) -> String? {
        GraphDocument.interpreter(interpreter, in: folder)
    }
}

extension GraphRevisionContent {
    package var documentCode: DocumentCode {
        DocumentCode(nodes: code, files: files, interpreter: graph.document.interpreter)
    }
}
