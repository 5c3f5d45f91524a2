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
        ("https://Example.org", "https://example.org", "example.org"),
        ("https://example.org:8443/", "https://example.org:8443", "example.org:8443"),
        ("HTTPS://h/mill.race/~x_y-1//", "https://h/mill.race/~x_y-1", "h"),
        ("http://a:1/path", "http://a:1/path", "a:1"),
    ])
    func `an address is read in all its forms`(_ text: String, _ description: String, _ authority: String) {
        let address = ServerAddress(text)
        #expect(address?.description == description)
        #expect(address?.authority == authority)
    }

    @Test(arguments: [
        "", "unix:", "example.org", "example.org/path", "ftp://example.org", "http://a:b", "a:0", "a:65536", "https://",
        "https:///path", "https://h/a b", "https://h/a%20b", "https://h/../x", "https://h/a//b", "https://h/?q",
        "h:1/path",
        "a:1\r\nX: y",
        "user@host:1", "unix:" + String(repeating: "x", count: 108),
    ])
    func `anything else is none`(_ text: String) {
        #expect(ServerAddress(text) == nil)
    }

    @Test(arguments: [
        ("http://192.0.2.1:80", true), ("example.org:80", true), ("http://[2001:db8::1]/x", true),
        ("https://example.org", false), ("localhost:1", false), ("http://a.localhost", false), ("127.9.9.9:1", false),
        ("[::1]:1", false), ("unix:/s", false),
    ])
    func `what is sent without TLS to another host can be read on its way`(_ text: String, _ isExposed: Bool) {
        #expect(ServerAddress(text)?.isExposed == isExposed)
    }
}
