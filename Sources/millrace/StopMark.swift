import Glibc
import Linux

/// A file in the state folder that tells the next daemon that this one was told to stop: whatever ends it then, no execution
/// has. It is there between a stop and the next start only.
struct StopMark {
    private let path: String

    init(folder: String) {
        path = "\(folder)/stopped"
    }

    /// A stop goes on without it: deaths of the daemon count once too often then.
    func set() {
        let file = open(path, O_CREAT | O_WRONLY | O_CLOEXEC, 0o600)
        if file >= 0 { close(file) }
    }

    /// Whether it is there; it is not any more.
    func take() throws(SystemError) -> Bool {
        if unlink(path) == 0 { return true }
        let code = SystemError.Code(rawValue: errno)
        guard code.rawValue == ENOENT else { throw SystemError(code, "unlink \(path)") }
        return false
    }
}
