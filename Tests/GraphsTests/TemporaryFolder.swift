import Foundation
import Glibc

/// A folder that is there as long as the test needs it.
final class TemporaryFolder {
    let path: String

    init() {
        var template = Array("/tmp/millrace-graphs-XXXXXX\0".utf8.map { CChar(bitPattern: $0) })
        precondition(mkdtemp(&template) != nil)
        path = String(decoding: template.dropLast().map { UInt8(bitPattern: $0) }, as: UTF8.self)
    }

    deinit {
        try? FileManager.default.removeItem(atPath: path)
    }

    func write(_ name: String, _ text: String) {
        write(name, Array(text.utf8))
    }

    func write(_ name: String, _ bytes: [UInt8]) {
        let file = open("\(path)/\(name)", O_WRONLY | O_CREAT | O_TRUNC, 0o644)
        precondition(file >= 0 && Glibc.write(file, bytes, bytes.count) == bytes.count)
        close(file)
    }

    func makeFolder(_ name: String) {
        precondition(mkdir("\(path)/\(name)", 0o755) == 0)
    }

    func link(_ name: String, to target: String) {
        precondition(symlink(target, "\(path)/\(name)") == 0)
    }
}
