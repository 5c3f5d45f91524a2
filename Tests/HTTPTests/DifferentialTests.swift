import Foundation
import FuzzEntries
import HTTP
import Testing

/// Writes what the parser makes of the corpus and of mutations of it, for `Tests/Differential/test_h11_differential.py`, which
/// compares that with h11.
struct DifferentialTests {
    private static let output = ProcessInfo.processInfo.environment["MILLRACE_DIFFERENTIAL_OUT"]
    private static let mutations = 6000

    private struct Verdict: Encodable {
        let name: String
        let input: Data
        let requests: [ParsedRequest]
        /// A fault's code, or `waiting`, or `closed`: nothing more is read after the last request.
        let end: String
    }

    private struct ParsedRequest: Encodable {
        let method: String
        let target: String
        /// Pairs of name and value, in base64.
        let headers: [[Data]]
        let body: Data

        init(_ request: Request) {
            method = request.method.rawValue
            target = request.target.raw
            headers = (0..<request.headers.count).map { index in
                [Data(request.headers.name(at: index).utf8), Data(request.headers.valueBytes(at: index))]
            }
            body = Data(request.body)
        }
    }

    @Test(.enabled(if: output != nil, "set MILLRACE_DIFFERENTIAL_OUT to a file"))
    func `the verdicts are written`() throws {
        let corpus = CorpusCase.all.map { (name: $0.name, bytes: $0.bytes) }
        let mutated = (0..<Self.mutations).map { Mutations.mutation(seed: UInt64($0) + 1_000_000) }
        let encoder = JSONEncoder()
        var lines = Data()
        for (name, bytes) in corpus + mutated {
            let outcome = RequestOutcome.parsing(bytes)
            let verdict = Verdict(
                name: name, input: Data(bytes), requests: outcome.requests.map(ParsedRequest.init),
                end: outcome.fault?.code ?? (outcome.isClosed ? "closed" : "waiting"))
            lines += try encoder.encode(verdict) + Data("\n".utf8)
        }
        try lines.write(to: URL(fileURLWithPath: try #require(Self.output)))
    }
}
