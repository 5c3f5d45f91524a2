import CLinux
import Glibc

package enum SmallFile {
    /// The whole regular file at `path`; throws `fileTooLarge` when it has more than `bytesMax`.
    package static func read(_ path: String, bytesMax: Int) throws(SystemError) -> [UInt8] {
        let raw = try checked("open \(path)") { open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY) }
        let file = Descriptor(owning: raw)
        var bytes: [UInt8] = []
        let chunk = UnsafeMutableRawBufferPointer.allocate(byteCount: min(bytesMax + 1, 65_536), alignment: 1)
        defer { chunk.deallocate() }
        while true {
            let (count, code) = uninterrupted { Glibc.read(file.raw, chunk.baseAddress, chunk.count) }
            if count == -1 { throw SystemError(code, "read \(path)") }
            bytes.append(contentsOf: UnsafeRawBufferPointer(rebasing: chunk[..<count]))
            if bytes.count > bytesMax { throw SystemError(.fileTooLarge, "read \(path)") }
            if count == 0 { return bytes }
        }
    }

    /// /dev/null: for a child that nobody listens to.
    package static func openNothing() throws(SystemError) -> Descriptor {
        Descriptor(owning: try checked("open /dev/null") { open("/dev/null", O_RDWR | O_CLOEXEC) })
    }
}
