import Testing

@testable import Nodes

@Suite struct ProcessLinesTests {
    private func lines(_ pieces: [[UInt8]], lineBytesMax: Int = OutputText.lineBytesMax) -> [String] {
        var text = OutputText(lineBytesMax: lineBytesMax)
        var all = pieces.flatMap { text.take($0) }
        if let last = text.finish() { all.append(last) }
        return all.map { String(decoding: $0, as: UTF8.self) }
    }

    @Test func `lines are the same however the bytes come`() {
        let text = Array("\rone\n\ntwö €\r\n1%\r2%\r\r\nabcdefghij\nlast".utf8)
        for first in 0...text.count {
            for second in first...text.count {
                let pieces = [Array(text[..<first]), Array(text[first..<second]), Array(text[second...])]
                #expect(lines(pieces) == ["one", "", "twö €", "1%", "2%", "", "abcdefghij", "last"])
            }
        }
    }

    @Test func `a long line is cut between characters`() {
        #expect(lines([Array("abcd\nabcde\n".utf8)], lineBytesMax: 4) == ["abcd", "abcd", "e"])
        #expect(lines([Array("abcdabcd".utf8), Array("e\nf\n".utf8)], lineBytesMax: 4) == ["abcd", "abcd", "e", "f"])
        #expect(lines([Array("€€a€€".utf8)], lineBytesMax: 5) == ["€", "€a", "€", "€"])
    }

    @Test func `a piece ends between characters, and its line's end is no line`() {
        var text = OutputText()
        for (bytes, piece) in [([0x61, 0xE2], [0x61]), ([0x82], nil), ([0xAC], [0xE2, 0x82, 0xAC]), ([], nil)] {
            #expect(text.take(bytes.map { UInt8($0) }).isEmpty)
            #expect(text.hasPiece == (piece != nil))
            #expect(text.takePiece() == piece.map { $0.map { UInt8($0) } })
        }
        #expect(text.take(Array("\n\nx\n".utf8)) == [[], Array("x".utf8)])
        #expect(text.take([0xE2]).isEmpty && !text.hasPiece)
        #expect(text.finish() == [0xE2])
    }

    @Test func `a message of a worker may be as long as its limit`() {
        var lines = ChildLines(lineBytesMax: 4)
        #expect(lines.take(Array("abcd\na\r".utf8)) == [Array("abcd".utf8)])
        #expect(!lines.isOverlong)
        #expect(lines.take(Array("cde\nx\n".utf8)).isEmpty)
        #expect(lines.isOverlong)
        #expect(lines.take(Array("x\n".utf8)).isEmpty)
    }

    @Test func `the tail keeps the last lines`() {
        var tail = ChildTail()
        #expect(tail.lastLine == nil)
        for n in 0..<25 { tail.append(Array("line \(n)\n".utf8)) }
        tail.append(Array("  ".utf8))
        #expect(tail.lastLine == "line 24")
        #expect(tail.text.hasPrefix("line 6\n"))
        tail.append([UInt8](repeating: 0x78, count: 1_000_000))
        #expect(tail.text.utf8.count <= 1024)
    }

    @Test func `of a crash of Python the tail tells what happened and where`() {
        var tail = ChildTail()
        tail.append(
            Array(
                """
                warming up
                Fatal Python error: Segmentation fault

                Current thread 0x00007f7f (most recent call first):
                  File "/usr/lib/python3.11/ctypes/__init__.py", line 519 in string_at
                  File "/graphs/f.py", line 3 in f

                Extension modules: numpy.core._multiarray_umath (total: 1)

                """.utf8))
        #expect(
            tail.lastLine
                == "Fatal Python error: Segmentation fault (File \"/usr/lib/python3.11/ctypes/__init__.py\", line 519 in string_at)"
        )
    }
}
