import CLinux
import Glibc

package enum SmallFile {
    /// The whole regular file at `path`; throws `fileTooLarge` when it has more than `bytesMax`.
    package static func read(_ path: String, bytesMax: Int) throws(SystemError) -> [UInt8] {
        let raw = try checked("open \(path)") { open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY) }
        let file = Descriptor(owning: raw)
        var bytes: [UInt8] = []
        let chunkBytes = min(bytesMax + 1, 65_536)
        while true {
            let filled = bytes.count
            bytes.append(contentsOf: repeatElement(0, count: chunkBytes))
            let (count, code) = bytes.withUnsafeMutableBytes { buffer in
                uninterrupted { Glibc.read(file.raw, buffer.baseAddress! + filled, chunkBytes) }
            }
            if count == -1 { throw SystemError(code, "read \(path)") }
            bytes.removeLast(chunkBytes - count)
            if bytes.count > bytesMax { throw SystemError(.fileTooLarge, "read \(path)") }
            if count == 0 { return bytes }
        }
    }
}
