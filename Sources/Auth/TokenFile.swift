import Digest
import JSON
import Linux

/// Where tokens are kept: a JSON file that only its owner can read.
///
///     {"version": 1, "tokens": [{"id": "…", "name": "ci", "sha256": "…", "scope": "run", "graphs": null,
///      "created_at_us": 1770000000000000, "expires_at_us": null, "revoked_at_us": null}]}
package struct TokenFile: Sendable {
    /// Room for far more than a list may have.
    private static let bytesMax = 16 << 20

    /// What it is called in the state folder.
    package static let name = "tokens.json"

    package let path: String

    package init(path: String) {
        self.path = path
    }

    /// Why the tokens could not be read or kept: one line that names the file.
    package struct Failure: Error, Sendable, CustomStringConvertible {
        package let description: String

        package init(_ description: String) {
            self.description = description
        }
    }

    /// The tokens of the file; none if there is no file.
    package func read() throws(Failure) -> TokenList {
        let bytes: [UInt8]
        let doubt: String?
        do throws(SystemError) {
            bytes = try SmallFile.read(path, bytesMax: Self.bytesMax)
            doubt = try SmallFile.doubt(about: path)
        } catch {
            // A link that leads nowhere is not what "no file" looks like.
            if error.code == .notFound, !SmallFile.isThere(path) { return TokenList() }
            throw Failure("the tokens cannot be read: \(error)")
        }
        if let doubt { throw Failure("\(path) holds tokens, and \(doubt)") }
        do {
            return TokenList(try Self.decode(bytes))
        } catch {
            throw Failure("\(path) holds no tokens: \(error.description)")
        }
    }

    /// Replaces the file as a whole, and returns once it is on the disk.
    package func write(_ list: TokenList) throws(Failure) {
        do {
            try SmallFile.replace(path, with: Self.encode(list.records), mode: 0o600)
        } catch {
            throw Failure("the tokens cannot be kept: \(error)")
        }
    }

    static func encode(_ records: [TokenRecord]) -> [UInt8] {
        let tokens = records.map { record -> JSONText in
            [
                "id": JSONText(record.id), "name": JSONText(record.name),
                "sha256": JSONText(SHA256.text(record.hash)), "scope": JSONText(record.scope.name),
                "graphs": record.graphs.map { JSONText(array: $0.map { JSONText($0) }) } ?? .null,
                "created_at_us": JSONText(Int(record.createdAtMicroseconds)),
                "expires_at_us": record.expiresAtMicroseconds.map { JSONText(Int($0)) } ?? .null,
                "revoked_at_us": record.revokedAtMicroseconds.map { JSONText(Int($0)) } ?? .null,
            ]
        }
        return JSONText(["version": 1, "tokens": JSONText(array: tokens)] as JSONObject).bytes + [0x0A]
    }

    struct Fault: Error, CustomStringConvertible {
        let description: String
    }

    static func decode(_ bytes: [UInt8]) throws(Fault) -> [TokenRecord] {
        let file: JSONObject
        do {
            file = try JSONObject(parsing: bytes)
        } catch {
            throw Fault(description: error.message)
        }
        guard file["version"]?.int == 1 else { throw Fault(description: "\"version\" must be 1") }
        guard let tokens = file["tokens"]?.array else { throw Fault(description: "\"tokens\" must be an array") }
        var records: [TokenRecord] = []
        var ids: Set<String> = []
        for (index, token) in tokens.enumerated() {
            guard let record = token.object.flatMap({ record($0) }) else {
                throw Fault(description: "element \(index) of \"tokens\" is not one that was written by millrace")
            }
            guard ids.insert(record.id).inserted else {
                throw Fault(description: "two tokens have the id \(record.id)")
            }
            records.append(record)
        }
        return records
    }

    private static let members: Set<JSONKey> = [
        "id", "name", "sha256", "scope", "graphs", "created_at_us", "expires_at_us", "revoked_at_us",
    ]

    private static func record(_ token: JSONObject) -> TokenRecord? {
        guard Set(token.keys) == members, let id = token["id"]?.string, id.utf8.count == TokenSecret.idDigits,
            id.utf8.allSatisfy(Base62.isDigit), let name = token["name"]?.string,
            let hash = token["sha256"]?.string.flatMap({ digest($0) }),
            let scope = token["scope"]?.string.flatMap({ Scope($0) }),
            let created = token["created_at_us"]?.int,
            let graphs = optional(token["graphs"], { $0.array.map { $0.map(\.string) } }),
            let expires = optional(token["expires_at_us"], \.int), let revoked = optional(token["revoked_at_us"], \.int)
        else { return nil }
        // A list with something in it that is no text would otherwise restrict to less than was meant, or to nothing.
        if let graphs, graphs.isEmpty || graphs.contains(where: { $0.map(TokenOrder.isGraphID) != true }) { return nil }
        return TokenRecord(
            id: id, name: name, hash: hash, scope: scope, graphs: graphs?.compactMap(\.self),
            createdAtMicroseconds: Int64(created), expiresAtMicroseconds: expires.map { Int64($0) },
            revokedAtMicroseconds: revoked.map { Int64($0) })
    }

    /// The value; `.some(nil)` for `null`, and nil for one of another type.
    private static func optional<Value>(_ text: JSONText?, _ read: (JSONText) -> Value?) -> Value?? {
        guard let text else { return nil }
        if text.isNull { return .some(nil) }
        return read(text).map { .some($0) }
    }

    private static func digest(_ text: String) -> [UInt8]? {
        let digits = text.utf8.compactMap { Character(Unicode.Scalar($0)).hexDigitValue }
        guard text.utf8.count == 64, digits.count == 64 else { return nil }
        return stride(from: 0, to: 64, by: 2).map { UInt8(digits[$0] << 4 | digits[$0 + 1]) }
    }
}
