import Foundation
import Testing

/// One case of `Tests/Differential/corpus.jsonl`, which the comparison with h11 reads too.
///
/// In its strings each character stands for the byte of that number (Latin-1).
struct CorpusCase: Decodable, Sendable, CustomTestStringConvertible {
    let name: String
    let input: String
    /// What must come out before the fault or the end of the input.
    let requests: [ExpectedRequest]
    /// The code of the fault that must follow, if any.
    let fault: String?

    struct ExpectedRequest: Decodable, Sendable, Equatable {
        let method: String
        let target: String
        let body: String
    }

    var bytes: [UInt8] { [UInt8](latin1: input) }
    var testDescription: String { name }

    static let valid = all.filter { $0.fault == nil }

    static let all: [CorpusCase] = {
        let file = URL(fileURLWithPath: #filePath).deletingLastPathComponent()
            .appendingPathComponent("../Differential/corpus.jsonl")
        do {
            return try String(contentsOf: file, encoding: .utf8).split(separator: "\n").map {
                try JSONDecoder().decode(CorpusCase.self, from: Data($0.utf8))
            }
        } catch {
            fatalError("\(file.path): \(error)")
        }
    }()
}

extension [UInt8] {
    init(latin1 text: String) {
        self = text.unicodeScalars.map { UInt8($0.value) }
    }
}

extension String {
    init(latin1 bytes: some Collection<UInt8>) {
        self.init(String.UnicodeScalarView(bytes.map { Unicode.Scalar($0) }))
    }
}
