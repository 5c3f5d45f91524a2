// AES-256-GCM by OpenSSL, with a key that lies in the state folder and nowhere else.

import CCrypto
import Digest
import Executions
import JSON
import Linux

/// The key by which checkpoints in the history are encrypted.
package struct StateKey: CheckpointSeal {
    /// What the file is called in the state folder.
    package static let fileName = "checkpoints.key"
    private static let keyBytes = 32
    private static let nonceBytes = 12
    private static let tagBytes = 16
    /// A newline stands behind its digits.
    private static let fileBytesMax = 128
    /// What sealed values begin with: the name of the key follows, and a colon.
    private static let prefix = "sealed:"
    private static let nameDigits = 8

    private let bytes: [UInt8]
    private let folder: String
    /// Tells this key from others.
    package let name: String

    package struct Failure: Error, CustomStringConvertible {
        package let description: String
    }

    /// The key of a state folder; the first time it is made.
    package static func find(in folder: String) throws(Failure) -> StateKey {
        let path = "\(folder)/\(fileName)"
        let text: [UInt8]
        do {
            text = try SmallFile.read(path, bytesMax: fileBytesMax, followsLinks: false)
        } catch {
            guard error.code == .notFound else {
                throw Failure(description: "the key for checkpoints cannot be read: \(error)")
            }
            return try make(in: folder, path)
        }
        guard let bytes = bytes(ofDigits: text.last == 0x0A ? text.dropLast() : text[...]) else {
            throw Failure(
                description: "\(path) is no key of \(2 * keyBytes) hexadecimal digits; put back the one that the "
                    + "checkpoints in the history were encrypted with, or remove it to give those up")
        }
        return StateKey(bytes, folder)
    }

    private static func make(in folder: String, _ path: String) throws(Failure) -> StateKey {
        let key = StateKey(random(keyBytes), folder)
        do {
            try SmallFile.replace(path, with: Array(SHA256.text(key.bytes).utf8) + [0x0A], mode: 0o600)
        } catch {
            throw Failure(description: "the key for checkpoints cannot be kept: \(error)")
        }
        return key
    }

    private init(_ bytes: [UInt8], _ folder: String) {
        self.bytes = bytes
        self.folder = folder
        name = String(SHA256.text(SHA256.digest(bytes)).prefix(Self.nameDigits))
    }
}

extension StateKey {
    package func seal(_ value: JSONText) -> JSONText {
        let nonce = Self.random(Self.nonceBytes)
        guard let sealed = encrypt(Array(value.bytes), nonce) else {
            preconditionFailure("OpenSSL encrypts whatever it is given")
        }
        return JSONText("\(Self.prefix)\(name):\(Self.base64(nonce + sealed))")
    }

    package func open(_ sealed: String) throws(NodeFailure) -> JSONText {
        let parts = sealed.split(separator: ":", maxSplits: 2, omittingEmptySubsequences: false)
        guard sealed.hasPrefix(Self.prefix), parts.count == 3 else { throw Self.damaged }
        guard parts[1] == name else {
            throw NodeFailure(
                "what is kept of the graph was encrypted with the key \(parts[1]), and the one in "
                    + "\(folder)/\(Self.fileName) is \(name): put that file back as it was, or start anew")
        }
        guard let bytes = Self.bytes(ofBase64: parts[2]), bytes.count >= Self.nonceBytes + Self.tagBytes,
            let text = decrypt(Array(bytes[Self.nonceBytes...]), Array(bytes[..<Self.nonceBytes])),
            let value = try? JSONText(parsing: text)
        else { throw Self.damaged }
        return value
    }

    private static let damaged = NodeFailure("what is kept of the graph is damaged: it cannot be decrypted")

    // MARK: AES-GCM (NIST SP 800-38D), as EVP_EncryptInit(3) describes it

    /// - Returns: the tag behind the text.
    private func encrypt(_ text: [UInt8], _ nonce: [UInt8]) -> [UInt8]? {
        guard let context = EVP_CIPHER_CTX_new() else { return nil }
        defer { EVP_CIPHER_CTX_free(context) }
        var output = [UInt8](repeating: 0, count: text.count + Self.tagBytes)
        var (count, last) = (Int32(0), Int32(0))
        guard EVP_EncryptInit_ex(context, EVP_aes_256_gcm(), nil, bytes, nonce) == 1,
            EVP_EncryptUpdate(context, &output, &count, text, Int32(text.count)) == 1,
            EVP_EncryptFinal_ex(context, &output, &last) == 1, count + last == text.count
        else { return nil }
        let isTagged = output.withUnsafeMutableBytes { output in
            let tag = output.baseAddress?.advanced(by: text.count)
            return EVP_CIPHER_CTX_ctrl(context, EVP_CTRL_AEAD_GET_TAG, Int32(Self.tagBytes), tag) == 1
        }
        return isTagged ? output : nil
    }

    /// - Returns: nil where a bit of it is not what was encrypted.
    private func decrypt(_ sealed: [UInt8], _ nonce: [UInt8]) -> [UInt8]? {
        guard let context = EVP_CIPHER_CTX_new() else { return nil }
        defer { EVP_CIPHER_CTX_free(context) }
        let length = sealed.count - Self.tagBytes
        var tag = Array(sealed[length...])
        var output = [UInt8](repeating: 0, count: length + Self.tagBytes)
        var (count, last) = (Int32(0), Int32(0))
        guard EVP_DecryptInit_ex(context, EVP_aes_256_gcm(), nil, bytes, nonce) == 1,
            EVP_DecryptUpdate(context, &output, &count, sealed, Int32(length)) == 1,
            EVP_CIPHER_CTX_ctrl(context, EVP_CTRL_AEAD_SET_TAG, Int32(Self.tagBytes), &tag) == 1
        else { return nil }
        let isWhole = output.withUnsafeMutableBytes { output in
            let end = output.baseAddress?.advanced(by: Int(count)).assumingMemoryBound(to: UInt8.self)
            return EVP_DecryptFinal_ex(context, end, &last) == 1
        }
        return isWhole && Int(count + last) == length ? Array(output[..<length]) : nil
    }

    // MARK: Bytes

    private static func random(_ count: Int) -> [UInt8] {
        var bytes = [UInt8](repeating: 0, count: count)
        guard RAND_bytes(&bytes, Int32(count)) == 1 else { preconditionFailure("the kernel gives random bytes") }
        return bytes
    }

    private static func bytes(ofDigits digits: ArraySlice<UInt8>) -> [UInt8]? {
        guard digits.count == 2 * keyBytes else { return nil }
        var bytes: [UInt8] = []
        for index in stride(from: digits.startIndex, to: digits.endIndex, by: 2) {
            guard let high = Character(Unicode.Scalar(digits[index])).hexDigitValue,
                let low = Character(Unicode.Scalar(digits[index + 1])).hexDigitValue
            else { return nil }
            bytes.append(UInt8(high << 4 | low))
        }
        return bytes
    }

    private static func base64(_ bytes: [UInt8]) -> String {
        // A NUL stands behind it.
        var text = [UInt8](repeating: 0, count: (bytes.count + 2) / 3 * 4 + 1)
        let count = EVP_EncodeBlock(&text, bytes, Int32(bytes.count))
        return String(decoding: text[..<Int(count)], as: UTF8.self)
    }

    private static func bytes(ofBase64 text: Substring) -> [UInt8]? {
        let input = Array(text.utf8)
        guard !input.isEmpty, input.count.isMultiple(of: 4) else { return nil }
        var bytes = [UInt8](repeating: 0, count: input.count / 4 * 3)
        let count = EVP_DecodeBlock(&bytes, input, Int32(input.count))
        guard count == bytes.count else { return nil }
        // It takes the padding for zeros.
        let padding = input.suffix(2).count { $0 == UInt8(ascii: "=") }
        return Array(bytes.dropLast(padding))
    }
}
