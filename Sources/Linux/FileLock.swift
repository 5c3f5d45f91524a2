import CLinux
import Glibc

/// A lock on a file that ends with its owner, also when that is killed (fcntl(2) F_OFD_SETLK). The file holds the
/// owner's process id as text, so that the one who is refused can name the holder.
package struct FileLock: ~Copyable {
    private let descriptor: Descriptor

    package enum Outcome: ~Copyable {
        case acquired(FileLock)
        /// Another owner has it; its process id if it has written it already.
        case held(processID: Int32?)
    }

    /// Opens or makes the file at `path` (mode 0600) and tries the lock without waiting.
    package static func acquire(_ path: String) throws(SystemError) -> Outcome {
        let raw = try checked("open \(path)") { open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0o600) }
        let descriptor = Descriptor(owning: raw)
        let (result, code) = uninterrupted { clinux_lock_whole_file(raw) }
        if result == 0 {
            try writeOwner(raw, path)
            return .acquired(FileLock(descriptor: descriptor))
        }
        guard code == EAGAIN || code == EACCES else { throw SystemError(code, "lock \(path)") }
        return .held(processID: readOwner(raw))
    }

    private static func writeOwner(_ raw: Int32, _ path: String) throws(SystemError) {
        try checked("ftruncate \(path)") { ftruncate(raw, 0) }
        let text = "\(getpid())\n"
        try checked("write \(path)") { pwrite(raw, text, text.utf8.count, 0) }
    }

    private static func readOwner(_ raw: Int32) -> Int32? {
        withUnsafeTemporaryAllocation(byteCount: 32, alignment: 1) { buffer in
            let (count, _) = uninterrupted { pread(raw, buffer.baseAddress, buffer.count, 0) }
            let digits = buffer.prefix(max(count, 0)).prefix { (48...57).contains($0) }
            return Int32(String(decoding: digits, as: UTF8.self))
        }
    }
}
