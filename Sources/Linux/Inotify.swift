import CLinux
import Glibc

/// inotify(7): tells what changes in folders. Watches are added from any thread; one thread reads.
package struct Inotify: ~Copyable, Sendable {
    /// One change, as the kernel tells it.
    package struct Event: Sendable, Equatable {
        /// The folder: what `watch` gave for it.
        package let watch: Int32
        /// The entry of the folder; empty for the folder itself.
        package let name: String
        /// Whether the entry came, went or was replaced; else its content or its mode changed.
        package let isEntryChange: Bool
        /// Whether the entry is a folder.
        package let isFolder: Bool
        /// Whether the folder itself has gone or moved: nothing more is told of it.
        package let isFolderGone: Bool
    }

    /// What `read` has found.
    package enum Reading: Sendable, Equatable {
        case events([Event])
        /// Nothing has changed since the last time.
        case none
        /// More has changed than is told one by one: the kernel's queue ran over, or there was more than one reading takes.
        case overflow
    }

    private static let bufferBytes = 32 << 10
    /// Of one reading: some thousand events, a millisecond of work. Beyond that a look at everything costs less.
    private static let buffersMax = 8

    private static let mask = UInt32(
        IN_CREATE | IN_MODIFY | IN_CLOSE_WRITE | IN_ATTRIB | IN_MOVED_FROM | IN_MOVED_TO | IN_DELETE | IN_DELETE_SELF
            | IN_MOVE_SELF | IN_ONLYDIR)
    private static let entryChanges = UInt32(IN_CREATE | IN_MOVED_FROM | IN_MOVED_TO | IN_DELETE)
    private static let ends = UInt32(IN_DELETE_SELF | IN_MOVE_SELF | IN_IGNORED) | UInt32(IN_UNMOUNT)

    package let descriptor: Descriptor

    /// inotify_init1(2). Throws `tooManyOpenFilesInProcess` at the user's limit of instances too.
    package init() throws(SystemError) {
        descriptor = Descriptor(
            owning: try checked("inotify_init") { inotify_init1(Int32(IN_CLOEXEC | IN_NONBLOCK)) })
    }

    /// inotify_add_watch(2). The same folder, by whatever path, gives the same number. Throws `noSpace` at the user's limit.
    package borrowing func watch(_ folder: String) throws(SystemError) -> Int32 {
        let raw = descriptor.raw
        return try checked("inotify_add_watch \(folder)") { inotify_add_watch(raw, folder, Self.mask) }
    }

    /// inotify_rm_watch(2); a watch that has ended by itself is no error.
    package borrowing func unwatch(_ watch: Int32) {
        _ = inotify_rm_watch(descriptor.raw, watch)
    }

    /// What has changed since the last reading; one system call when nothing has.
    package borrowing func read() -> Reading {
        let raw = descriptor.raw
        return withUnsafeTemporaryAllocation(byteCount: Self.bufferBytes, alignment: 8) { buffer in
            var events: [Event] = []
            for _ in 0..<Self.buffersMax {
                let (count, _) = uninterrupted { Glibc.read(raw, buffer.baseAddress, buffer.count) }
                guard count > 0 else { return events.isEmpty ? .none : .events(events) }
                if !Self.append(UnsafeRawBufferPointer(rebasing: buffer[..<count]), to: &events) { break }
            }
            Self.discard(raw, buffer)
            return .overflow
        }
    }

    /// As many readings as the kernel's own queue has room for, at the longest.
    private static func discard(_ raw: Int32, _ buffer: UnsafeMutableRawBufferPointer) {
        for _ in 0..<64 where Glibc.read(raw, buffer.baseAddress, buffer.count) <= 0 { return }
    }

    /// - Returns: false if events were lost.
    private static func append(_ bytes: UnsafeRawBufferPointer, to events: inout [Event]) -> Bool {
        let headerBytes = MemoryLayout<inotify_event>.size
        var offset = 0
        while offset + headerBytes <= bytes.count {
            let header = bytes.loadUnaligned(fromByteOffset: offset, as: inotify_event.self)
            if header.mask & UInt32(IN_Q_OVERFLOW) != 0 { return false }
            let start = offset + headerBytes
            let name = bytes[start..<min(start + Int(header.len), bytes.count)].prefix { $0 != 0 }
            events.append(
                Event(
                    watch: header.wd, name: String(decoding: name, as: UTF8.self),
                    isEntryChange: header.mask & entryChanges != 0, isFolder: header.mask & UInt32(IN_ISDIR) != 0,
                    isFolderGone: header.mask & ends != 0))
            offset = start + Int(header.len)
        }
        return true
    }
}
