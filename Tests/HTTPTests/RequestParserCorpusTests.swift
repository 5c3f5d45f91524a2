import FuzzEntries
import HTTP
import Testing

struct RequestParserCorpusTests {
    @Test(arguments: CorpusCase.all)
    func `a case has the outcome that the corpus names`(_ example: CorpusCase) {
        let outcome = RequestOutcome.parsing(example.bytes)
        let requests = outcome.requests.map {
            CorpusCase.ExpectedRequest(
                method: $0.method.rawValue, target: $0.target.raw, body: String(latin1: $0.body))
        }
        #expect(requests == example.requests)
        #expect(outcome.fault?.code == example.fault)
    }

    @Test(arguments: CorpusCase.all)
    func `however a case is cut, its outcome is the same`(_ example: CorpusCase) {
        let bytes = example.bytes
        let whole = RequestOutcome.parsing(bytes)
        #expect(RequestOutcome.parsing(bytes, inPiecesOf: 1) == whole)
        for index in 0...bytes.count {
            #expect(RequestOutcome.parsing(bytes, splitAt: index) == whole, "split at \(index)")
        }
    }

    @Test(arguments: CorpusCase.all)
    func `a case behind another request of its connection has the same outcome`(_ example: CorpusCase) {
        let first = [UInt8]("POST /first HTTP/1.1\r\nHost: a\r\nContent-Length: 2\r\n\r\nhi".utf8)
        var expected = RequestOutcome.parsing(example.bytes)
        expected.requests.insert(RequestOutcome.parsing(first).requests[0], at: 0)
        #expect(RequestOutcome.parsing(first + example.bytes) == expected)
    }

    @Test func `every fault has a client error's or server error's status, a stable code and a sentence`() {
        for example in CorpusCase.all {
            guard let fault = RequestOutcome.parsing(example.bytes).fault else { continue }
            #expect(400...505 ~= fault.status)
            #expect(fault.code.allSatisfy { $0.isLowercase || $0.isNumber || $0 == "_" }, "\(fault.code)")
            #expect(fault.detail.hasSuffix(".") && fault.detail.first?.isUppercase == true, "\(fault.detail)")
        }
    }

    @Test func `random mutations have one outcome however they are cut`() {
        for seed in 0..<1500 as Range<UInt64> {
            let (name, bytes) = Mutations.mutation(seed: seed)
            let whole = RequestOutcome.parsing(bytes)
            #expect(RequestOutcome.parsing(bytes, inPiecesOf: 1) == whole, "\(name)")
            let cut = Int(seed) * 31 % (bytes.count + 1)
            #expect(RequestOutcome.parsing(bytes, splitAt: cut) == whole, "\(name), split at \(cut)")
        }
    }
}
