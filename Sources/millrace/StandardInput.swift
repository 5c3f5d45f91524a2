import Glibc
import Graphs
import JSON

/// Stdin, which `-` names in place of a file.
enum StandardInput {
    static let name = "-"
    /// How faults call it.
    static let title = "stdin"

    private static let pieceBytes = 64 * 1024

    /// All of it.
    static func read(bytesMax: Int) throws(CommandFailure) -> [UInt8] {
        guard isatty(STDIN_FILENO) == 0 else {
            throw CommandFailure(
                "stdin is a terminal; pipe a document into this command, or name a file", status: .usage)
        }
        var bytes: [UInt8] = []
        var piece = [UInt8](repeating: 0, count: pieceBytes)
        while true {
            let count = Glibc.read(STDIN_FILENO, &piece, piece.count)
            let code = errno
            if count == 0 { break }
            if count < 0, code == EINTR { continue }
            guard count > 0 else { throw CommandFailure("cannot read stdin: \(String(cString: strerror(code)))") }
            bytes += piece[..<count]
            guard bytes.count <= bytesMax else {
                throw CommandFailure("stdin is larger than \(bytesMax) bytes, so it was not read on")
            }
        }
        guard bytes.contains(where: { !isBlank($0) }) else { throw CommandFailure("there is nothing on stdin") }
        return bytes
    }

    /// A graph document. One that begins as JSON objects do, which those of YAML in braces seldom do, is JSON.
    static func document() throws(CommandFailure) -> GraphText {
        let bytes = try read(bytesMax: GraphBounds.documentBytesMax)
        let signs = bytes.lazy.filter { !isBlank($0) }.prefix(2)
        return (bytes, Array(signs) == Array("{\"".utf8) ? .json : .yaml)
    }

    /// A usage fault where more than one argument is `-`.
    static func fault(in arguments: [String]) -> String? {
        guard arguments.count(where: { $0 == name || $0 == "@\(name)" }) > 1 else { return nil }
        return "stdin can be read only once: give - once, and files for the rest."
    }

    private static func isBlank(_ byte: UInt8) -> Bool { [0x20, 0x09, 0x0A, 0x0D].contains(byte) }
}
