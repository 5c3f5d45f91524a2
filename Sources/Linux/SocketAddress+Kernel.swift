// The kernel's layouts (ip(7), ipv6(7), unix(7)), in network order:
//   sockaddr_in   family 2 | port 2 | address 4
//   sockaddr_in6  family 2 | port 2 | flow 4 | address 16 | scope 4
//   sockaddr_un   family 2 | path up to 108
import CLinux
import Glibc

extension SocketAddress {
    var family: Int32 {
        switch self {
        case .ipv4: AF_INET
        case .ipv6: AF_INET6
        case .unix: AF_UNIX
        }
    }

    /// Calls `body` with the address as the kernel reads it.
    func withKernelAddress<Result>(_ body: (UnsafePointer<sockaddr>, socklen_t) -> Result) -> Result {
        var storage = sockaddr_storage()
        let length = withUnsafeMutableBytes(of: &storage) { encode(into: $0) }
        return withUnsafeBytes(of: &storage) { bytes in
            body(bytes.assumingMemoryBound(to: sockaddr.self).baseAddress!, socklen_t(length))
        }
    }

    private func encode(into bytes: UnsafeMutableRawBufferPointer) -> Int {
        bytes.storeBytes(of: sa_family_t(family), as: sa_family_t.self)
        switch self {
        case .ipv4(let host, let port):
            bytes.storeBytes(of: port.bigEndian, toByteOffset: 2, as: UInt16.self)
            bytes.storeBytes(of: host.bigEndian, toByteOffset: 4, as: UInt32.self)
            return MemoryLayout<sockaddr_in>.size
        case .ipv6(let host, let port, let scope):
            bytes.storeBytes(of: port.bigEndian, toByteOffset: 2, as: UInt16.self)
            withUnsafeBytes(of: host.bigEndian) {
                UnsafeMutableRawBufferPointer(rebasing: bytes[8..<24]).copyBytes(from: $0)
            }
            bytes.storeBytes(of: scope, toByteOffset: 24, as: UInt32.self)
            return MemoryLayout<sockaddr_in6>.size
        case .unix(let path):
            precondition(path.utf8.count <= Self.unixPathBytesMax, "a unix socket path has at most 107 bytes")
            UnsafeMutableRawBufferPointer(rebasing: bytes[2...]).copyBytes(from: path.utf8)
            guard path.hasPrefix("@") else { return 2 + path.utf8.count + 1 }
            bytes[2] = 0
            return 2 + path.utf8.count
        }
    }

    /// The address that a call has written into `bytes`; nil for a family that is none of ours.
    package init?(kernel bytes: UnsafeRawBufferPointer) {
        guard bytes.count >= 2 else { return nil }
        switch Int32(bytes.loadUnaligned(as: sa_family_t.self)) {
        case AF_INET where bytes.count >= 8:
            let port = UInt16(bigEndian: bytes.loadUnaligned(fromByteOffset: 2, as: UInt16.self))
            self = .ipv4(UInt32(bigEndian: bytes.loadUnaligned(fromByteOffset: 4, as: UInt32.self)), port: port)
        case AF_INET6 where bytes.count >= 28:
            let port = UInt16(bigEndian: bytes.loadUnaligned(fromByteOffset: 2, as: UInt16.self))
            let host = UInt128(bigEndian: bytes.loadUnaligned(fromByteOffset: 8, as: UInt128.self))
            self = .ipv6(host, port: port, scope: bytes.loadUnaligned(fromByteOffset: 24, as: UInt32.self))
        case AF_UNIX:
            let path = bytes[2...]
            let isAbstract = path.count > 1 && path.first == 0
            let name = isAbstract ? path.dropFirst() : path.prefix { $0 != 0 }
            self = .unix((isAbstract ? "@" : "") + String(decoding: name, as: UTF8.self))
        default:
            return nil
        }
    }

    /// Runs a call that fills in an address, and reads the address when the call succeeded.
    static func filled<Result: FixedWidthInteger>(
        by call: (UnsafeMutablePointer<sockaddr>, UnsafeMutablePointer<socklen_t>) -> Result
    ) -> (result: Result, errno: Int32, address: SocketAddress?) {
        var storage = sockaddr_storage()
        return withUnsafeMutableBytes(of: &storage) { bytes in
            var length = socklen_t(bytes.count)
            let pointer = bytes.assumingMemoryBound(to: sockaddr.self).baseAddress!
            let (result, code) = uninterrupted {
                length = socklen_t(bytes.count)
                return call(pointer, &length)
            }
            if result == -1 { return (result, code, nil) }
            let written = UnsafeRawBufferPointer(rebasing: bytes[..<min(Int(length), bytes.count)])
            return (result, code, SocketAddress(kernel: written))
        }
    }
}
