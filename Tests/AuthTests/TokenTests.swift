import Glibc
import Linux
import Testing

@testable import Auth

/// The same numbers each time, for tests only.
struct CountingGenerator: RandomNumberGenerator {
    var state: UInt64 = 1

    mutating func next() -> UInt64 {
        state = state &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
        return state
    }
}

@Suite struct TokenTests {
    private func make() -> TokenSecret {
        var generator = SystemRandomNumberGenerator()
        return TokenSecret(using: &generator)
    }

    @Test func `a token is read back as what it is`() throws {
        let secret = make()
        #expect(secret.string.utf8.count == TokenSecret.bytes)
        #expect(secret.string.hasPrefix("mlr_\(secret.id)_"))
        let read = try #require(TokenSecret(secret.string.utf8))
        #expect((read.id, read.hash) == (secret.id, secret.hash))
    }

    @Test func `any change of one character is a typing error`() {
        let text = Array(make().string.utf8)
        for index in text.indices {
            for byte in [UInt8(ascii: "0"), UInt8(ascii: "z"), UInt8(ascii: "_"), 0, 0xFF] where byte != text[index] {
                var wrong = text
                wrong[index] = byte
                #expect(TokenSecret(wrong) == nil, "position \(index)")
            }
        }
        #expect(TokenSecret(text.dropLast()) == nil)
        #expect(TokenSecret(text + [0x30]) == nil)
        #expect(TokenSecret([]) == nil)
    }

    @Test(arguments: [
        "\u{0}", "\n", "\u{7F}", "\u{85}", "\u{AD}", "\u{61C}", "\u{200B}", "\u{200D}", "\u{200E}", "\u{2028}",
        "\u{202E}", "\u{2066}",
        "\u{2800}", "\u{3164}", "\u{FE0F}", "\u{FEFF}", "\u{E0041}", "\u{F8FF}", "\u{FFFE}",
    ])
    func `a name has nothing that nobody sees, and nothing that turns the line`(text: String) {
        #expect(throws: TokenOrder.Fault.self) {
            try TokenOrder(name: "a\(text)b", scope: .read, nowMicroseconds: 0)
        }
    }

    @Test(arguments: ["", "ci", "Grüße, 日本 ✓", "e\u{301}", String(repeating: "n", count: 128)])
    func `a name may be any text that is seen`(name: String) throws {
        #expect(try TokenOrder(name: name, scope: .read, nowMicroseconds: 0).name == name)
    }

    @Test func `the key of a folder is a new one each time, and its owner's alone`() throws {
        var template = Array("/tmp/millrace-key-XXXXXX".utf8CString)
        let folder = String(cString: try #require(mkdtemp(&template)))
        defer {
            var removal = FolderRemoval(folder)
            while removal.advance(steps: 100) == .unfinished {}
        }
        #expect(AdministratorKey.read(in: folder) == nil)
        let first = try AdministratorKey.make(in: folder)
        let text = try #require(AdministratorKey.read(in: folder))
        #expect(first.matches(Array(text.utf8)))
        #expect(!first.matches(Array(text.utf8.dropLast())))
        #expect(!first.matches([]))
        var status = stat()
        #expect(stat("\(folder)/\(AdministratorKey.fileName)", &status) == 0 && status.st_mode & 0o7777 == 0o600)
        let second = try AdministratorKey.make(in: folder)
        #expect(!second.matches(Array(text.utf8)))
        // Beside somebody's socket, a link could name the key of another folder.
        let other = "\(folder)/other"
        #expect(mkdir(other, 0o700) == 0)
        #expect(symlink("\(folder)/\(AdministratorKey.fileName)", "\(other)/\(AdministratorKey.fileName)") == 0)
        #expect(AdministratorKey.read(in: other) == nil)
    }

    /// The check value of CRC-32 (ISO 3309).
    @Test func `the checksum is CRC-32`() {
        #expect(CRC32.of("123456789".utf8) == 0xCBF4_3926)
    }

    @Test func `two digests are equal or not`() {
        #expect(areEqualInConstantTime([1, 2, 3], [1, 2, 3]))
        #expect(!areEqualInConstantTime([1, 2, 3], [1, 2, 4]))
        #expect(!areEqualInConstantTime([1, 2, 3], [1, 2]))
        #expect(areEqualInConstantTime([], []))
    }

    @Test func `each scope includes the smaller ones`() {
        #expect(Scope.allCases.sorted() == [.read, .run, .edit, .admin])
        #expect(Scope.edit.names == ["read", "run", "edit"])
        let access = Access(.token(id: "a", name: ""), .run)
        #expect(Scope.allCases.map { access.allows($0) } == [true, true, false, false])
        #expect(!Access.nobody.allows(.read))
    }
}

@Suite struct TokenListTests {
    private func order(_ scope: Scope = .read, graphs: [String]? = nil, expires: Int64? = nil) throws -> TokenOrder {
        try TokenOrder(name: "n", scope: scope, graphs: graphs, expiresAtMicroseconds: expires, nowMicroseconds: 0)
    }

    @Test func `a token is good until it expires or is revoked`() throws {
        var generator = CountingGenerator()
        var list = TokenList()
        let (lasting, lastingSecret) = try list.create(order(), nowMicroseconds: 0, using: &generator)
        let (_, shortSecret) = try list.create(order(expires: 100), nowMicroseconds: 0, using: &generator)
        func state(_ secret: TokenSecret, _ now: Int64) -> String {
            switch TokenRegistry(own: list).check(secret, nowMicroseconds: now) {
            case .valid: "valid"
            case .unknown: "unknown"
            case .expired: "expired"
            case .revoked: "revoked"
            }
        }
        #expect([99, 100].map { state(shortSecret, $0) } == ["valid", "expired"])
        #expect(state(TokenSecret(using: &generator), 0) == "unknown")
        #expect(try list.revoke(lasting.id, nowMicroseconds: 5).revokedAtMicroseconds == 5)
        #expect(try list.revoke(lasting.id, nowMicroseconds: 9).revokedAtMicroseconds == 5)
        #expect(state(lastingSecret, 6) == "revoked")
        #expect(throws: TokenList.ChangeError.unknown) { try list.revoke("none", nowMicroseconds: 0) }
    }

    @Test func `tokens are in force as long as there was ever one`() throws {
        var generator = CountingGenerator()
        var list = TokenList()
        #expect(!TokenRegistry(own: list).isInForce)
        let (record, _) = try list.create(order(), nowMicroseconds: 0, using: &generator)
        _ = try list.revoke(record.id, nowMicroseconds: 0)
        #expect(TokenRegistry(own: list).isInForce)
    }

    @Test func `old revoked tokens make room, and usable ones have a limit`() throws {
        var generator = CountingGenerator()
        var list = TokenList()
        let order = try order()
        for _ in 0..<(TokenList.revokedMax + 50) {
            let (record, _) = try list.create(order, nowMicroseconds: 0, using: &generator)
            _ = try list.revoke(record.id, nowMicroseconds: 0)
        }
        #expect(list.records.count <= TokenList.revokedMax + 1)
        let record = list.records[0]
        var full = TokenList(
            (0..<TokenList.usableMax).map { number in
                TokenRecord(
                    id: "\(number)", name: "", hash: record.hash, scope: .read, graphs: nil, createdAtMicroseconds: 0,
                    expiresAtMicroseconds: nil)
            })
        #expect(throws: TokenList.ChangeError.full) {
            try full.create(order, nowMicroseconds: 0, using: &generator)
        }
        _ = try full.revoke("7", nowMicroseconds: 0)
        #expect(throws: Never.self) { try full.create(order, nowMicroseconds: 0, using: &generator) }
    }

    @Test func `what was written is read back, and anything else is refused`() throws {
        var generator = CountingGenerator()
        var list = TokenList()
        _ = try list.create(order(.admin), nowMicroseconds: 1, using: &generator)
        let (last, _) = try list.create(
            order(graphs: ["b", "a", "b"], expires: 7), nowMicroseconds: 2, using: &generator)
        _ = try list.revoke(last.id, nowMicroseconds: 3)
        let bytes = TokenFile.encode(list.records)
        #expect(try TokenFile.decode(bytes) == list.records)
        #expect(list.records[1].graphs == ["a", "b"])
        let text = String(decoding: bytes, as: UTF8.self)
        for (part, wrong) in [
            ("\"version\":1", "\"version\":2"), ("\"admin\"", "\"root\""), ("[\"a\",\"b\"]", "[]"),
            ("[\"a\",\"b\"]", "[\"a\",1]"), ("[\"a\",\"b\"]", "\"a\""), ("\"graphs\":null", "\"graphs\":false"),
            ("\"sha256\":\"", "\"sha256\":\"x"), ("\"scope\"", "\"scopes\""), (last.id, list.records[0].id),
        ] {
            #expect(text.contains(part))
            #expect(throws: TokenFile.Fault.self) {
                try TokenFile.decode(Array(text.replacing(part, with: wrong).utf8))
            }
        }
        for length in 0..<(bytes.count - 2) {
            #expect(throws: TokenFile.Fault.self) { try TokenFile.decode(Array(bytes[..<length])) }
        }
    }

    @Test(arguments: ["", "A", "-a", "a b", "ä", String(repeating: "a", count: 65)])
    func `a token is for graphs that can exist`(_ id: String) {
        #expect(throws: TokenOrder.Fault.self) { try order(graphs: [id]) }
    }
}
