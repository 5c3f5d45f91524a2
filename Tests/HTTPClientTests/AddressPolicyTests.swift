import Linux
import Testing

@testable import HTTPClient

@Suite struct AddressPolicyTests {
    let policy = AddressPolicy(denied: ClientSettings.deniedByDefault.compactMap { Network($0) })

    @Test func `every default is a network`() {
        #expect(policy.denied.count == ClientSettings.deniedByDefault.count)
    }

    @Test(arguments: [
        "127.0.0.1", "127.255.255.254", "0.0.0.0", "0.1.2.3", "169.254.169.254", "::1", "::", "fe80::1", "febf::1",
        "fd00:ec2::254", "::ffff:127.0.0.1", "::ffff:169.254.169.254", "::ffff:0.0.0.0", "::127.0.0.1",
        "::ffff:0:127.0.0.1", "64:ff9b::127.0.0.1", "64:ff9b::a9fe:a9fe", "64:ff9b:1::7f00:1", "2002:7f00:1::",
        "2002:a9fe:a9fe::1", "2001:0:1:2:3:4:80ff:fffe", "2001:db8::5efe:7f00:1", "2001:db8::200:5efe:169.254.1.1",
    ])
    func `what leads to this host or its link is denied in every form`(_ text: String) throws {
        #expect(!policy.allows(try #require(SocketAddress(host: text, port: 80))))
    }

    @Test(arguments: [
        "10.0.0.1", "192.168.1.1", "8.8.8.8", "128.0.0.1", "169.253.255.255", "2001:db8::1", "fec0::1", "fd00::1",
        "::ffff:8.8.8.8", "64:ff9b::8.8.8.8", "2002:808:808::1",
    ])
    func `all else is allowed`(_ text: String) throws {
        #expect(policy.allows(try #require(SocketAddress(host: text, port: 80))))
    }

    @Test func `a unix socket is no address of a server`() {
        #expect(!AddressPolicy(denied: []).allows(.unix("/x")))
    }
}

@Suite struct ProxyVariablesTests {
    let proxies = ProxyVariables([
        "http_proxy": "http://p:1", "HTTPS_PROXY": "http://s:2", "HTTP_PROXY": "http://cgi:3",
        "NO_PROXY": "inner.example, .dotted.example,10.0.0.1",
    ])

    @Test(arguments: [
        ("http", "a.example", "http://p:1"), ("https", "a.example", "http://s:2"), ("http", "inner.example", nil),
        ("https", "x.INNER.example", nil), ("http", "notinner.example", "http://p:1"), ("http", "dotted.example", nil),
        ("http", "10.0.0.1", nil),
    ])
    func `a proxy is used but for what is excepted`(scheme: String, host: String, wanted: String?) {
        #expect(proxies.proxy(scheme: scheme, host: host) == wanted)
    }

    @Test func `a star excepts all, and nothing named is no proxy`() {
        #expect(ProxyVariables(["http_proxy": "p", "no_proxy": "*"]).proxy(scheme: "http", host: "a") == nil)
        #expect(ProxyVariables(["HTTP_PROXY": "p"]).proxy(scheme: "http", host: "a") == nil)
    }
}
