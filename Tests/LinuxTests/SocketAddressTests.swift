import Linux
import Testing

@Suite struct SocketAddressTests {
    @Test(arguments: [
        "127.0.0.1:8080", "0.0.0.0:0", "255.255.255.255:65535", "[::1]:8080", "[::]:0", "[2001:db8::1]:443",
        "unix:/run/millrace.sock", "unix:relative.sock", "unix:@abstract",
    ])
    func `an address reads as it is written`(text: String) {
        #expect(SocketAddress(text)?.description == text)
    }

    @Test(arguments: [
        "", ":", ":8080", "8080", "127.0.0.1", "127.0.0.1:", "127.0.0.1:65536", "127.0.0.1:-1", "127.0.0.1:+1",
        "127.0.0.1: 1", "127.1:80", "[::1]", "[::1:80", "example.org:80", "unix:", "unix:/a\0b",
        "unix:" + String(repeating: "x", count: SocketAddress.unixPathBytesMax + 1),
    ])
    func `what is no address is nil`(text: String) {
        #expect(SocketAddress(text) == nil)
    }

    @Test func `the longest unix path is an address`() {
        #expect(SocketAddress("unix:" + String(repeating: "x", count: SocketAddress.unixPathBytesMax)) != nil)
    }

    @Test func `localhost is the IPv4 loopback`() {
        #expect(SocketAddress("localhost:80") == .ipv4(0x7F00_0001, port: 80))
    }

    @Test(arguments: [
        ("127.0.0.1:1", true), ("127.9.9.9:1", true), ("[::1]:1", true), ("[::ffff:127.0.0.1]:1", true),
        ("unix:/x", true), ("128.0.0.1:1", false), ("0.0.0.0:1", false), ("[::2]:1", false), ("[::]:1", false),
        ("[::ffff:128.0.0.1]:1", false),
    ])
    func `loopback is told from the rest`(text: String, isLoopback: Bool) {
        #expect(SocketAddress(text)?.isLoopback == isLoopback)
    }

    @Test(arguments: ["127.0.0.1:0", "[::1]:0"])
    func `port 0 becomes the port that the kernel chose, on both sides`(text: String) throws {
        let address = try #require(SocketAddress(text))
        let listener = try Socket.listen(at: address)
        let chosen = try listener.localAddress()
        #expect(chosen.host == address.host)
        #expect(chosen.port != 0)
        let client = try Socket.connect(to: chosen)
        guard case .connection(let accepted, let peer) = try listener.accept() else {
            Issue.record("nothing to accept")
            return
        }
        #expect(try peer == client.localAddress())
        #expect(try accepted.localAddress() == chosen)
    }
}
