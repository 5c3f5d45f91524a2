import Client
import Testing

@Suite struct ServerAddressTests {
    @Test(arguments: [
        ("unix:/run/x.sock", "unix:/run/x.sock", "localhost"),
        ("127.0.0.1:8080", "http://127.0.0.1:8080", "127.0.0.1:8080"),
        ("localhost:1", "http://localhost:1", "localhost:1"),
        ("http://Example.org", "http://example.org", "example.org"),
        ("HTTP://127.0.0.1:80/", "http://127.0.0.1:80", "127.0.0.1:80"),
        ("[::1]:8080", "http://[::1]:8080", "[::1]:8080"),
    ])
    func `an address is read in all its forms`(_ text: String, _ description: String, _ authority: String) {
        let address = ServerAddress(text)
        #expect(address?.description == description)
        #expect(address?.authority == authority)
    }

    @Test(arguments: [
        "", "unix:", "example.org", "https://example.org:1", "http://a:b", "http://a:1/path", "a:0", "a:65536",
        "a:1\r\nX: y",
        "user@host:1", "unix:" + String(repeating: "x", count: 108),
    ])
    func `anything else is none`(_ text: String) {
        #expect(ServerAddress(text) == nil)
    }
}
