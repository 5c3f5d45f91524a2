import Glibc
import Linux

/// Keeps other users out of the state folder, whatever modes node code sets there: it runs as the owner of these files.
struct StateFolder: Sendable {
    /// More entries than a state folder has. What node code may fill itself, the folder of its files, is not gone through.
    private static let entriesMax = 1_000
    private static let childrensFolder = "python"

    let path: String

    /// Gives the folder and what lies in it back to this process's user, and to that user alone.
    /// - Returns: a line for each entry that was not so, or that cannot be made so.
    func mend() -> [String] {
        var lines: [String] = []
        mend(path, &lines)
        guard let entries = opendir(path) else { return lines }
        defer { closedir(entries) }
        for _ in 0..<Self.entriesMax {
            guard let entry = readdir(entries) else { break }
            let name = withUnsafePointer(to: &entry.pointee.d_name) { tuple in
                tuple.withMemoryRebound(to: CChar.self, capacity: 256) { String(cString: $0) }
            }
            if name != ".", name != ".." { mend("\(path)/\(name)", &lines) }
        }
        return lines
    }

    private func mend(_ path: String, _ lines: inout [String]) {
        var status = stat()
        // It may be gone: a draft, or a journal of the history.
        guard lstat(path, &status) == 0, status.st_mode & S_IFMT != S_IFLNK else { return }
        let wanted: mode_t = status.st_mode & S_IFMT == S_IFDIR ? 0o700 : 0o600
        if status.st_uid != geteuid() {
            let isMended = lchown(path, geteuid(), getegid()) == 0
            lines.append(
                "\(path) belonged to user \(status.st_uid)" + (isMended ? "" : ", and cannot be taken from it"))
        }
        guard status.st_mode & 0o7777 != wanted else { return }
        let isMended = chmod(path, wanted) == 0
        let (was, to) = (String(status.st_mode & 0o7777, radix: 8), String(wanted, radix: 8))
        lines.append("the mode of \(path) was 0\(was), and \(isMended ? "is" : "cannot be made") 0\(to)")
    }

    /// Whether modes inside do not matter: the folder above belongs to another user, who lets nobody else in.
    var isSheltered: Bool {
        guard let slash = path.lastIndex(of: "/"), slash != path.startIndex else { return false }
        var status = stat()
        return stat(String(path[..<slash]), &status) == 0 && status.st_uid != geteuid() && status.st_mode & 0o007 == 0
            && access(String(path[..<slash]), W_OK) != 0
    }

    /// The folder above, if it holds a history and this one does not: where the state lay before it got a folder of its own.
    var formerFolder: String? {
        guard path.hasSuffix("/state") else { return nil }
        let above = String(path.dropLast("/state".count))
        return access("\(above)/history.sqlite", F_OK) == 0 && access("\(path)/history.sqlite", F_OK) != 0 ? above : nil
    }
}
