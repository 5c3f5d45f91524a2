import Testing

@testable import Digest

@Suite struct SHA256Tests {
    /// FIPS 180-4 test vectors (NIST CAVP).
    @Test(arguments: [
        ("", "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"),
        ("abc", "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"),
        (
            "abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq",
            "248d6a61d20638b8e5c026930c3e6039a33ce45964ff2167f6ecedd419db06c1"
        ),
        (String(repeating: "a", count: 1_000_000), "cdc76e5c9914fb9281a1c7e284d73e67f1809a48a497200e046d39ccc7112cd0"),
    ])
    func `the hash is SHA-256, however the text is split`(text: String, digest: String) {
        let bytes = Array(text.utf8)
        for split in Set([0, bytes.count / 3, min(63, bytes.count), min(64, bytes.count), bytes.count]) {
            var hash = SHA256()
            hash.update(Array(bytes[..<split]))
            hash.update(Array(bytes[split...]))
            #expect(SHA256.text(hash.finish()) == digest)
        }
    }
}
