import Linux

/// What whoever administers by the socket in the state folder shows, in place of a token: the content of a file that only the
/// daemon's user and root can read, and of those not the code of nodes, which Landlock keeps out of that folder.
package struct AdministratorKey: Sendable {
    /// What the file is called in the state folder.
    package static let fileName = "millrace.key"
    /// The header field that carries it.
    package static let fieldName = "Millrace-Key"
    /// 256 bits.
    private static let digits = 43
    /// A newline may stand behind it.
    private static let fileBytesMax = 64

    private let text: [UInt8]

    /// Makes a new one and keeps it in `folder`; the old one is void. Where nothing can be written, the old one stays.
    package static func make(in folder: String) throws(TokenFile.Failure) -> AdministratorKey {
        var generator = SystemRandomNumberGenerator()
        let key = AdministratorKey(text: Base62.random(digits, using: &generator))
        do {
            try SmallFile.replace("\(folder)/\(fileName)", with: key.text + [0x0A], mode: 0o600)
        } catch {
            if let old = read(in: folder) { return AdministratorKey(text: Array(old.utf8)) }
            throw TokenFile.Failure("the key of the state folder cannot be kept: \(error)")
        }
        return key
    }

    /// The key of a state folder as the header field has it; nil where there is none, or for whoever may not read it.
    package static func read(in folder: String) -> String? {
        // A link beside a stranger's socket would have the key of another folder sent there.
        let path = "\(folder)/\(fileName)"
        guard let bytes = try? SmallFile.read(path, bytesMax: fileBytesMax, followsLinks: false) else { return nil }
        let text = bytes.last == 0x0A ? bytes.dropLast() : bytes[...]
        guard text.count == digits, text.allSatisfy(Base62.isDigit) else { return nil }
        return String(decoding: text, as: UTF8.self)
    }

    /// In a time that does not depend on what was shown.
    package func matches(_ shown: [UInt8]) -> Bool { areEqualInConstantTime(text, shown) }
}
