import Glibc
import Testing

@testable import Secrets

@Suite struct SecretStoreTests {
    private func withStore(
        _ files: [String: (text: String, mode: mode_t)], _ body: (SecretStore) throws -> Void
    ) throws {
        var template = Array("/tmp/millrace-secrets-XXXXXX".utf8CString)
        let made = try #require(mkdtemp(&template))
        let folder = String(cString: made)
        defer {
            for name in files.keys { unlink("\(folder)/\(name)") }
            rmdir(folder)
        }
        for (name, file) in files {
            let handle = try #require(fopen("\(folder)/\(name)", "w"))
            fputs(file.text, handle)
            fclose(handle)
            chmod("\(folder)/\(name)", file.mode)
        }
        try body(SecretStore(folder: folder, credentials: folder))
    }

    @Test(arguments: [("value", "value"), ("value\n", "value"), ("value\r\n", "value"), ("a\nb\n", "a\nb")])
    func `a secret is its file without the line end`(text: String, wanted: String) throws {
        try withStore(["KEY": (text, 0o600)]) { store in
            let secret = try store.secret(named: "KEY")
            #expect(secret.revealed == wanted)
        }
    }

    @Test func `a credential is one too`() throws {
        try withStore(["secret.KEY": ("value", 0o440)]) { store in
            let secret = try store.secret(named: "KEY")
            #expect(secret.revealed == "value")
        }
    }

    @Test(arguments: [mode_t(0o640), 0o604, 0o622])
    func `a file that others can read or write is refused`(mode: mode_t) throws {
        try withStore(["KEY": ("value-value", mode)]) { store in
            let failure = #expect(throws: SecretStore.Failure.self) { try store.secret(named: "KEY") }
            #expect(failure?.description.contains("others may") == true)
            #expect(failure?.description.contains("value-value") == false)
        }
    }

    @Test(arguments: ["", "../KEY", "a/b", "a.b", "NONE"])
    func `what is no secret is told`(name: String) throws {
        try withStore(["KEY": ("", 0o600)]) { store in
            #expect(throws: SecretStore.Failure.self) { try store.secret(named: name) }
            #expect(throws: SecretStore.Failure.self) { try store.secret(named: "KEY") }
        }
    }

    @Test func `a secret never describes itself`() {
        let secret = Secret("abcdefgh")
        #expect("\(secret)" == "***" && String(reflecting: secret) == "***")
        var dumped = ""
        dump(secret, to: &dumped)
        #expect(!dumped.contains("abcdefgh"))
        #expect(secret.masked(in: "x abcdefgh y abcdefgh") == "x *** y ***")
        #expect(Secret("short").masked(in: "short") == "short")
    }

    @Test(arguments: [
        ##"{"key":"pass\"word/\\1\u0007"}"##, ##"pass\"word\/\\1\u0007"##, "pass%22word%2F%5C1%07",
        "a=pass%22word%2f%5c1%07&b",
    ])
    func `it is known in other dress`(text: String) {
        let secret = Secret("pass\"word/\\1\u{7}")
        #expect(secret.masked(in: text).contains("***"))
        #expect(!secret.masked(in: text).contains("word"))
    }

    @Test(arguments: ["", "a", "ab", "abc", "user:"], ["", "z", "zz"])
    func `it is known in base64 wherever it stands`(before: String, after: String) throws {
        let secret = Secret("sk-0123456789~~~???")
        let process = Array((before + secret.revealed + after).utf8)
        var text = base64(process)
        #expect(secret.masked(in: "<\(text)>").contains("***"))
        text = String(text.map { $0 == "+" ? "-" : $0 == "/" ? "_" : $0 }.filter { $0 != "=" })
        #expect(secret.masked(in: "<\(text)>").contains("***"))
        #expect(
            !Secret("sk-0123456789~~~!!!").masked(in: base64(Array("something else that is long".utf8))).contains("***")
        )
    }

    private func base64(_ bytes: [UInt8]) -> String {
        let alphabet = Array("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/")
        var text = ""
        for start in stride(from: 0, to: bytes.count, by: 3) {
            let group = bytes[start..<min(start + 3, bytes.count)]
            let bits = group.reduce(UInt32(0)) { $0 << 8 | UInt32($1) } << UInt32(8 * (3 - group.count))
            for place in 0..<4 {
                text.append(place <= group.count ? alphabet[Int(bits >> UInt32(18 - 6 * place) & 63)] : "=")
            }
        }
        return text
    }

    @Test func `of every split nothing is shown`() {
        let secret = Secret("abcabcabd")
        let text = Array("ab abcabcabcabd abcabcab".utf8)
        for cut in 0...text.count {
            let (first, held) = secret.hidden(in: Array(text[..<cut]), isLast: false)
            let (rest, none) = secret.hidden(in: held + text[cut...], isLast: true)
            #expect(String(decoding: first + rest, as: UTF8.self) == "ab abc*** abcabcab")
            #expect(none == [])
        }
    }
}
