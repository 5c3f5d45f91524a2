import Glibc
import Linux

/// Where secrets are found by their names: files of a folder, and credentials of the service manager.
package struct SecretStore: Sendable {
    /// Empty: there is none.
    private let folder: String
    private let credentials: String

    /// Keys and tokens are short; a certificate chain is the longest that anybody hands over.
    private static let bytesMax = 64 << 10

    /// Why there is no such secret. It names files, never what stands in them.
    package struct Failure: Error, Sendable, CustomStringConvertible {
        package let description: String
    }

    /// - Parameters:
    ///   - folder: a file for each secret, which only its owner can read; empty: none.
    ///   - credentials: where systemd puts them (`$CREDENTIALS_DIRECTORY`): `secret.NAME`; empty: nowhere.
    package init(folder: String, credentials: String) {
        self.folder = folder
        self.credentials = credentials
    }

    package static func isName(_ name: String) -> Bool {
        name.wholeMatch(of: /[A-Za-z_][A-Za-z0-9_]{0,127}/) != nil
    }

    /// Reads the secret now, so that a new one counts from its next use on; blocks. A line end behind it is none of it.
    package func secret(named name: String) throws(Failure) -> Secret {
        guard Self.isName(name) else { throw Failure(description: "\"\(name)\" is no name of a secret") }
        if !folder.isEmpty, let text = try text(of: "\(folder)/\(name)", isOwn: true) { return try secret(name, text) }
        if !credentials.isEmpty, let text = try text(of: "\(credentials)/secret.\(name)", isOwn: false) {
            return try secret(name, text)
        }
        let place = folder.isEmpty ? "secrets.folder is not set" : "\(folder) holds no file of that name"
        throw Failure(description: "there is no secret \(name): \(place), and there is no credential secret.\(name)")
    }

    private func secret(_ name: String, _ bytes: [UInt8]) throws(Failure) -> Secret {
        guard let text = String(validating: bytes, as: UTF8.self) else {
            throw Failure(description: "the secret \(name) is no UTF-8")
        }
        let trimmed = text.hasSuffix("\r\n") || text.hasSuffix("\n") ? String(text.dropLast()) : text
        guard !trimmed.isEmpty else { throw Failure(description: "the secret \(name) is empty") }
        return Secret(trimmed)
    }

    /// - Returns: nil where there is no such file.
    private func text(of path: String, isOwn: Bool) throws(Failure) -> [UInt8]? {
        let bytes: [UInt8]
        let exposure: String?
        do throws(SystemError) {
            bytes = try SmallFile.read(path, bytesMax: Self.bytesMax)
            // What systemd hands over is guarded by its folder.
            exposure = isOwn ? try SmallFile.exposure(of: path) : nil
        } catch {
            if error.code == .notFound { return nil }
            throw Failure(description: "the secret cannot be read: \(error)")
        }
        if let exposure { throw Failure(description: "\(path) holds a secret, and \(exposure): chmod 600 mends it") }
        return bytes
    }
}
