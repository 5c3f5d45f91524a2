import Testing

@testable import HTTPClient

@Suite struct HeadReaderTests {
    private func head(_ lines: [String]) -> ReceivedHead? {
        var reader = HeadReader()
        var found: ReceivedHead?
        for line in lines {
            let step = Array((line + "\r\n").utf8).withUnsafeBytes { reader.take($0) }
            if case .head(let head) = step { found = head }
        }
        return found
    }

    @Test func `fields are kept in order, names in lower case, values without blanks around them`() {
        let head = head(["HTTP/1.1 200 OK", "A: 1", "b:  2 \t", "A:", "no field", ""])
        #expect(
            head
                == ReceivedHead(
                    status: 200,
                    fields: [
                        .init(name: "a", value: "1"), .init(name: "b", value: "2"), .init(name: "a", value: ""),
                    ]))
    }

    @Test func `interim responses are passed over, and trailers come too late`() {
        let lines = ["HTTP/1.1 103 Early Hints", "Link: x", "", "HTTP/2 404", "A: 1", "", "Late: 1", ""]
        #expect(head(lines) == ReceivedHead(status: 404, fields: [.init(name: "a", value: "1")]))
    }

    @Test func `the limit is the limit`() {
        var reader = HeadReader()
        let line = [UInt8](repeating: 0x61, count: ClientSettings.headBytesMax)
        guard case .more = line.withUnsafeBytes({ reader.take($0) }) else { return _ = Issue.record("at the limit") }
        guard case .tooLong = [0x61].withUnsafeBytes({ reader.take($0) }) else {
            return _ = Issue.record("one past it")
        }
    }
}
