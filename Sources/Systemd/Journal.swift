import CSystemd
import Glibc
import Linux

/// The journal of systemd, by its native protocol: entries with fields instead of lines.
package enum Journal {
    /// Whether a descriptor leads into the journal (systemd.exec(5), `$JOURNAL_STREAM`). A shell that redirects the output
    /// elsewhere leaves the variable, so the descriptor itself is looked at.
    package static func isConnected(to descriptor: Int32, variable: String?) -> Bool {
        guard let parts = variable?.split(separator: ":"), parts.count == 2,
            let device = UInt64(parts[0]), let inode = UInt64(parts[1])
        else { return false }
        var status = stat()
        guard fstat(descriptor, &status) == 0 else { return false }
        return UInt64(status.st_dev) == device && UInt64(status.st_ino) == inode
    }

    /// Sends one entry (sd_journal_sendv(3)): each field is `FIELD=value`, the value being any bytes. Waits while the journal
    /// has more to read than it takes.
    package static func send(_ fields: [UnsafeRawBufferPointer]) throws(SystemError) {
        let vectors = fields.map {
            iovec(iov_base: UnsafeMutableRawPointer(mutating: $0.baseAddress), iov_len: $0.count)
        }
        let result = sd_journal_sendv(vectors, Int32(vectors.count))
        guard result >= 0 else { throw SystemError(SystemError.Code(rawValue: -result), "sd_journal_sendv") }
    }
}
