import Config
import Nodes

extension DaemonLog {
    /// Says before the first python node fails that all of them will. Looks at files, so it may block.
    func warnOfInterpreter(_ configuration: Configuration) {
        guard ["python", "langgraph"].contains(where: configuration.kinds.enables) else { return }
        let settings = PythonSettings(configuration.kinds.python)
        let path = ProcessEnvironment.current["PATH", default: "/usr/local/bin:/usr/bin:/bin"]
        guard let fault = settings.fault(path: path) else { return }
        log(.warning, "the interpreter of python nodes cannot be executed", ["reason": fault])
    }
}
