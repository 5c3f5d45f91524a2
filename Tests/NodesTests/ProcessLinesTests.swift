import Testing

@testable import Nodes

@Suite struct ProcessLinesTests {
    private func lines(_ pieces: [[UInt8]], _ lines: ChildLines) -> [String] {
        var lines = lines
        var all = pieces.flatMap { lines.take($0) }
        if let last = lines.finish() { all.append(last) }
        return all.map { String(decoding: $0, as: UTF8.self) }
    }

    @Test func `lines are the same however the bytes come`() {
        let text = Array("one\n\ntwö €\nabcdefghij\nlast".utf8)
        for first in 0...text.count {
            for second in first...text.count {
                let pieces = [Array(text[..<first]), Array(text[first..<second]), Array(text[second...])]
                #expect(lines(pieces, ChildLines()) == ["one", "", "twö €", "abcdefghij", "last"])
            }
        }
    }

    @Test func `a long line is cut between characters`() {
        #expect(lines([Array("abcd\nabcde\n".utf8)], ChildLines(lineBytesMax: 4)) == ["abcd", "abcd", "e"])
        #expect(lines([Array("€€a€€".utf8)], ChildLines(lineBytesMax: 5)) == ["€", "€a", "€", "€"])
    }

    @Test func `a line that must not be cut may be as long as its limit`() {
        var lines = ChildLines(lineBytesMax: 4, cutsLongLines: false)
        #expect(lines.take(Array("abcd\nab".utf8)) == [Array("abcd".utf8)])
        #expect(!lines.isOverlong)
        #expect(lines.take(Array("cde\nx\n".utf8)).isEmpty)
        #expect(lines.isOverlong)
        #expect(lines.take(Array("x\n".utf8)).isEmpty)
        #expect(lines.finish() == nil)
    }

    @Test func `the tail keeps the last lines`() {
        var tail = ChildTail()
        #expect(tail.lastLine == nil)
        for n in 0..<25 { tail.append(Array("line \(n)".utf8)) }
        tail.append(Array("  ".utf8))
        #expect(tail.lastLine == "line 24")
        #expect(tail.text.hasPrefix("line 6\n"))
    }
}
