import Linux
import Testing

@testable import Auth

@Suite struct ProxyTrustTests {
    private let trust = ProxyTrust(["10.0.0.0/8", "2001:db8:1::/48", "192.0.2.1"])

    private func client(_ text: String) -> ProxyTrust.Origin {
        .client(SocketAddress(host: text, port: 0)!)
    }

    @Test(arguments: [
        ("10.0.0.0/8", "10.255.0.1", true), ("10.0.0.0/8", "11.0.0.1", false), ("10.0.0.0/8", "::ffff:10.1.2.3", true),
        ("192.0.2.1", "192.0.2.1", true), ("192.0.2.1", "192.0.2.2", false), ("0.0.0.0/0", "203.0.113.1", true),
        ("0.0.0.0/0", "2001:db8::1", false), ("::/0", "2001:db8::1", true), ("2001:db8::/33", "2001:db8:7fff::", true),
        ("2001:db8::/33", "2001:db8:8000::", false), ("10.1.2.3/9", "10.127.0.0", true),
    ])
    func `a network holds its addresses`(network: String, address: String, isInside: Bool) throws {
        let network = try #require(Network(network))
        #expect(network.contains(try #require(SocketAddress(host: address, port: 1))) == isInside)
        #expect(!network.contains(.unix("/x")))
    }

    @Test(arguments: ["", "10.0.0.0/33", "10.0.0.0/", "10.0.0.0/-1", "::/129", "example.org", "unix", "10.0.0/8"])
    func `anything else is no network`(_ text: String) {
        #expect(Network(text) == nil)
    }

    @Test func `unix sockets are trusted only where that is said`() {
        #expect(!trust.trusts(.unix("/run/x")))
        #expect(ProxyTrust(["unix"]).trusts(.unix("")))
        #expect(!ProxyTrust(["unix"]).trusts(.ipv4(0x7F00_0001, port: 1)))
    }

    @Test(arguments: [
        (["203.0.113.7"], "203.0.113.7"),
        // What the client wrote itself stands to the left.
        (["198.51.100.1, 203.0.113.7"], "203.0.113.7"),
        (["127.0.0.1, 203.0.113.7, 10.0.0.2, 192.0.2.1"], "203.0.113.7"),
        (["198.51.100.1", "203.0.113.7"], "203.0.113.7"),
        (["203.0.113.7:4711"], "203.0.113.7"), (["[2001:db8:9::7]:80"], "2001:db8:9::7"),
        (["2001:db8:9::7"], "2001:db8:9::7"),
        // All are proxies: the farthest of them is the client.
        (["10.0.0.9, 10.0.0.2"], "10.0.0.9"),
    ])
    func `the client is the last address that is no trusted proxy's`(values: [String], wanted: String) {
        #expect(trust.origin(forwardedFor: values, forwarded: []) == client(wanted))
    }

    @Test(arguments: [
        [""], ["unknown"], ["203.0.113.7,"], ["203.0.113.7, _hidden"], ["localhost"], ["unix:/x"],
        ["203.0.113.7\u{301}"],
        ["a"], [String(repeating: "10.0.0.1, ", count: 40) + "10.0.0.300"],
    ])
    func `what is no address names nobody`(_ values: [String]) {
        #expect(trust.origin(forwardedFor: values, forwarded: []) == .unknown)
    }

    @Test(arguments: [
        ("for=203.0.113.7", "203.0.113.7"), ("For=\"203.0.113.7:99\";proto=https", "203.0.113.7"),
        ("for=198.51.100.1, for=203.0.113.7;by=10.0.0.1", "203.0.113.7"),
        ("for=\"[2001:db8:9::7]:80\"", "2001:db8:9::7"), ("for=203.0.113.7, for=10.0.0.1", "203.0.113.7"),
        ("by=\"a,b;c\\\"\";for=203.0.113.7", "203.0.113.7"),
    ])
    func `Forwarded is read as RFC 7239 writes it`(value: String, wanted: String) {
        #expect(trust.origin(forwardedFor: [], forwarded: [value]) == client(wanted))
    }

    @Test(arguments: ["for=unknown", "by=10.0.0.1", "for=203.0.113.7;for=203.0.113.8", "for=\"203.0.113.7", "for", ""])
    func `a field that names nobody names nobody`(_ value: String) {
        #expect(trust.origin(forwardedFor: [], forwarded: [value]) == .unknown)
    }

    @Test func `two fields that disagree are not believed`() {
        #expect(trust.origin(forwardedFor: ["203.0.113.7"], forwarded: ["for=198.51.100.1"]) == .contradictory)
        #expect(trust.origin(forwardedFor: ["203.0.113.7"], forwarded: ["for=203.0.113.7"]) == client("203.0.113.7"))
        #expect(trust.origin(forwardedFor: [], forwarded: []) == .peer)
    }

    @Test func `a customer of IPv6 is counted by the network`() throws {
        func key(_ text: String) throws -> UInt128? { try #require(SocketAddress(host: text, port: 9)).countingKey }
        #expect(try key("2001:db8::1") == key("2001:db8::ffff:1"))
        #expect(try key("2001:db8::1") != key("2001:db8:0:1::1"))
        #expect(try key("192.0.2.1") == key("::ffff:192.0.2.1"))
        #expect(try key("192.0.2.1") != key("192.0.2.2"))
        #expect(SocketAddress.unix("x").countingKey == nil)
    }
}
