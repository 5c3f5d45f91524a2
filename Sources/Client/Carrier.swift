import Linux

/// What carries the bytes of an exchange: a socket, or TLS on one.
enum Carrier: ~Copyable {
    case plain(Descriptor)
    case secure(SecureConnection)

    /// The descriptor to wait on once an operation would block. Before that it says nothing: TLS may hold bytes that it has
    /// read already.
    var descriptor: Int32 {
        switch self {
        case .plain(let socket): socket.raw
        case .secure(let connection): connection.descriptor
        }
    }

    func receive(into buffer: UnsafeMutableRawBufferPointer) throws(ClientError) -> Transfer {
        switch self {
        case .secure(let connection): return try connection.receive(into: buffer)
        case .plain(let socket):
            do {
                return try socket.receive(into: buffer)
            } catch {
                throw .connectionLost("\(error)")
            }
        }
    }

    func send(_ bytes: UnsafeRawBufferPointer) throws(ClientError) -> Transfer {
        switch self {
        case .secure(let connection): return connection.send(bytes)
        case .plain(let socket):
            do {
                return try socket.send(bytes)
            } catch {
                throw .connectionLost("\(error)")
            }
        }
    }
}
