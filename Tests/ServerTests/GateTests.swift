import Auth
import Glibc
import Linux
import Testing

@testable import Server

/// Who enters, over real connections: before the first token, from it on, and after it was revoked.
@Suite struct GateTests {
    private static let list = "GET /api/graphs HTTP/1.1\r\nHost: localhost\r\n"

    private func withTokens(_ body: (LiveServer, TokenFile) throws -> Void) throws {
        let live = try LiveServer()
        var template = Array("/tmp/millrace-gate-XXXXXX".utf8CString)
        guard mkdtemp(&template) != nil else { throw SystemError(.notFound, "mkdtemp") }
        let folder = template.withUnsafeBufferPointer { String(cString: $0.baseAddress!) }
        let file = TokenFile(path: "\(folder)/\(TokenFile.name)")
        defer {
            unlink(file.path)
            rmdir(folder)
        }
        try body(live, file)
        try live.stop()
    }

    private func answer(_ live: LiveServer, _ secret: String? = nil) throws -> RawClient.Answer {
        try live.answer(Self.list + (secret.map { "Authorization: Bearer \($0)\r\n" } ?? "") + "\r\n")
    }

    /// Makes a token, which is in force from then on.
    private func make(_ scope: Scope, _ file: TokenFile, _ live: LiveServer) throws -> String {
        var list = try file.read()
        var generator = SystemRandomNumberGenerator()
        let order = try TokenOrder(name: "test", scope: scope, nowMicroseconds: Gate.now)
        let secret = try list.create(order, nowMicroseconds: Gate.now, using: &generator).secret
        try file.write(list)
        try live.server.useTokens(own: file, fixed: nil)
        return secret.string
    }

    @Test func `without tokens everybody enters, and from the first one on nobody without`() throws {
        try withTokens { live, file in
            try live.server.useTokens(own: file, fixed: nil)
            #expect(try answer(live).status == 200)
            let secret = try make(.read, file, live)
            #expect(try answer(live).status == 401)
            #expect(try answer(live, secret).status == 200)
            #expect(try answer(live, String(secret.dropLast()) + "x").status == 401)
        }
    }

    @Test func `a connection that was let in by no token ends with the first one`() throws {
        try withTokens { live, file in
            let stream = try live.connect()
            try stream.send("GET /api/events HTTP/1.1\r\nHost: localhost\r\n\r\n")
            try stream.wait { $0.contains("snapshot") }
            #expect(!stream.hasEnded)
            _ = try make(.admin, file, live)
            try stream.wait { _ in false }
            #expect(stream.hasEnded)
        }
    }

    @Test func `a scope allows what lies below it and nothing else`() throws {
        try withTokens { live, file in
            let secret = try make(.read, file, live)
            let request =
                "DELETE /api/graphs/none HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer \(secret)\r\n\r\n"
            #expect(try live.answer(request).status == 403)
        }
    }
}
