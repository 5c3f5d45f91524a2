import HTTP
import Testing

@testable import Server

/// Origins as browsers write them.
@Suite struct PageOriginTests {
    @Test(arguments: [
        ("http://localhost:8080", "http", "localhost:8080"), ("https://mill.example.com", "https", "mill.example.com"),
        ("HTTP://[::1]:80", "http", "[::1]:80"),
    ])
    func `an origin of the web has a scheme and an authority`(text: String, scheme: String, authority: String) throws {
        let origin = try #require(PageOrigin(text))
        #expect(origin.scheme == scheme && origin.authority.description == authority)
    }

    @Test(arguments: [
        "", "null", "file://", "http://", "http://a/", "http://a b", "ftp://a", "http:/a", "http://a:99999",
    ])
    func `all else is none`(text: String) {
        #expect(PageOrigin(text) == nil)
    }

    @Test func `fields are addressed below a prefix, and others stay`() {
        let fields: HeaderFields = [
            "Location": "/api/a", "content-location": "/api/b", "Link": "</api/c?x=1>; rel=\"next\"", "ETag": "\"/1\"",
        ]
        let addressed = fields.addressed(below: "/p")
        #expect(addressed["location"] == "/p/api/a" && addressed["content-location"] == "/p/api/b")
        #expect(addressed["link"] == "</p/api/c?x=1>; rel=\"next\"" && addressed["etag"] == "\"/1\"")
        #expect(addressed.count == fields.count)
    }
}
