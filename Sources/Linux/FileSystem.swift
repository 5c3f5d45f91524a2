import CLinux

package enum FileSystem {
    /// Those whose files others may change without this kernel's knowing: inotify(7) tells nothing of it. The numbers are
    /// those of statfs(2).
    private static let remoteTypes: Set<UInt32> = [
        0x6969,  // nfs
        0xFF53_4D42,  // cifs
        0xFE53_4D42,  // smb2
        0x0102_1997,  // 9p
        0x6573_5546,  // fuse, virtiofs
        0x00C3_6400,  // ceph
        0x5346_414F,  // afs
    ]

    /// Whether a path lies on a file system that tells of no changes by others.
    package static func isRemote(_ path: String) -> Bool {
        let type = clinux_file_system_type(path)
        return type != -1 && remoteTypes.contains(UInt32(truncatingIfNeeded: type))
    }
}
