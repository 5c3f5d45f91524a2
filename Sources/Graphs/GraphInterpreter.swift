import Glibc

extension GraphDocument {
    /// The virtual environment that is used where a document says nothing.
    package static let environmentName = ".venv"

    /// What runs the Python nodes of a document that stands in `folder`: what it says, or the interpreter of a virtual
    /// environment beside it if there is one. Nil: what the configuration says.
    package func interpreter(in folder: String?) -> String? {
        if let interpreter {
            guard let folder, !interpreter.hasPrefix("/") else { return interpreter }
            return "\(folder)/\(interpreter)"
        }
        guard let folder else { return nil }
        let found = "\(folder)/\(Self.environmentName)/bin/python"
        return access(found, X_OK) == 0 ? found : nil
    }
}
