import CLinux
import Glibc

package enum Pipe {
    /// Which ends of a pipe do not block. The end that a child gets must block, as programs expect.
    package enum NonBlockingEnd: Sendable { case reading, writing, both }

    /// pipe2(2): `first` reads what `second` writes.
    package static func make(nonBlocking: NonBlockingEnd = .both) throws(SystemError) -> DescriptorPair {
        var ends: (Int32, Int32) = (-1, -1)
        try checked("pipe2") {
            withUnsafeMutablePointer(to: &ends) { pointer in
                pointer.withMemoryRebound(to: Int32.self, capacity: 2) { clinux_pipe($0) }
            }
        }
        let pair = DescriptorPair(first: Descriptor(owning: ends.0), second: Descriptor(owning: ends.1))
        if nonBlocking != .writing { try pair.first.setBlocking(false) }
        if nonBlocking != .reading { try pair.second.setBlocking(false) }
        return pair
    }
}
