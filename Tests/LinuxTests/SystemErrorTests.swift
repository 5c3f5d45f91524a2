import Linux
import Testing

@Suite struct SystemErrorTests {
    @Test func `an error names the call, its subject and the reason`() throws {
        let taken = try Socket.listen(at: .ipv4(0x7F00_0001, port: 0))
        let address = try taken.localAddress()
        let error = #expect(throws: SystemError.self) { _ = try Socket.listen(at: address) }
        #expect(error?.code == .addressInUse)
        #expect(error?.description == "bind \(address): Address already in use")
    }

    @Test func `a connection that nobody takes is refused`() throws {
        let closed = try Socket.listen(at: .ipv4(0x7F00_0001, port: 0)).localAddress()
        let error = #expect(throws: SystemError.self) { _ = try Socket.connect(to: closed) }
        #expect(error?.code == .connectionRefused)
        #expect(error?.description == "connect \(closed): Connection refused")
    }
}
