import Glibc

/// Talks with a command through its pipes while the calling thread waits: poll(2).
package enum Exchange {
    private static let pieceBytes = 64 << 10

    /// Writes all of `input` and reads to the end of the output. Both ends must not block.
    /// - Returns: nil when there was more output than `bytesMax`, or it did not end before the deadline.
    package static func run(
        _ input: [UInt8], into stdin: consuming Descriptor, from stdout: consuming Descriptor, bytesMax: Int,
        deadlineNanoseconds: Int64
    ) throws(SystemError) -> [UInt8]? {
        var output: [UInt8] = []
        var sent = 0
        // A command that does not read any more may still answer.
        var writer: Descriptor? = stdin
        let buffer = UnsafeMutableRawBufferPointer.allocate(byteCount: pieceBytes, alignment: 1)
        defer { buffer.deallocate() }
        while true {
            if sent == input.count { writer = nil }
            guard try wait(writer?.raw ?? -1, stdout.raw, until: deadlineNanoseconds) else { return nil }
            if let raw = writer?.raw, try !write(input, &sent, raw) { writer = nil }
            switch try stdout.read(into: buffer) {
            case .bytes(let count):
                guard output.count + count <= bytesMax else { return nil }
                output.append(contentsOf: UnsafeRawBufferPointer(rebasing: buffer[..<count]))
            case .wouldBlock: break
            case .endOfStream, .closedByPeer: return output
            }
        }
    }

    /// - Returns: false when nobody reads.
    private static func write(_ input: [UInt8], _ sent: inout Int, _ raw: Int32) throws(SystemError) -> Bool {
        let start = sent
        let (count, code) = input.withUnsafeBytes { bytes in
            uninterrupted { Glibc.write(raw, bytes.baseAddress! + start, min(bytes.count - start, pieceBytes)) }
        }
        if count >= 0 { sent += count }
        return count >= 0 || code == EAGAIN
    }

    /// - Returns: false at the deadline.
    private static func wait(_ writer: Int32, _ reader: Int32, until deadline: Int64) throws(SystemError) -> Bool {
        let left = (deadline - SystemClock.monotonicNanoseconds()) / 1_000_000
        guard left > 0 else { return false }
        // Entries whose descriptor is negative are ignored.
        var entries = [
            pollfd(fd: writer, events: Int16(POLLOUT), revents: 0),
            pollfd(fd: reader, events: Int16(POLLIN), revents: 0),
        ]
        let (count, code) = uninterrupted { poll(&entries, nfds_t(entries.count), Int32(clamping: left)) }
        if count == -1 { throw SystemError(code, "poll") }
        return count > 0
    }

    /// Waits until a process has ended.
    package static func awaitEnd(of process: borrowing ChildProcess) throws(SystemError) {
        while try process.end() == nil {
            var entry = pollfd(fd: process.pidfd.raw, events: Int16(POLLIN), revents: 0)
            _ = uninterrupted { poll(&entry, 1, -1) }
        }
    }
}
