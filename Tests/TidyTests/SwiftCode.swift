/// Swift source with everything that is not code blanked: comments, the text of strings, names in backticks. Lines and
/// columns (in UTF-8) stay where they were, so that what is found can be pointed at. Code in an interpolation remains code.
///
/// A scanner for this project's own style, not a parser: regex literals are not known to it.
struct SwiftCode {
    let lines: [String]
    /// The comment text of each line that has nothing else on it; nil for other lines.
    let comments: [String?]

    /// The same as UTF-8; a blanked character leaves a space for each of its bytes.
    let bytes: [UInt8]

    init(_ source: String) {
        var scanner = Scanner(Array(source.utf8))
        scanner.scanCode(untilParenthesis: false)
        bytes = scanner.output
        lines = bytes.split(separator: newline, omittingEmptySubsequences: false).map {
            String(decoding: $0, as: UTF8.self)
        }
        let raw = source.split(separator: "\n", omittingEmptySubsequences: false)
        comments = zip(raw, lines).map { raw, code in
            let trimmed = raw.drop { $0 == " " }
            return code.allSatisfy { $0 == " " } && trimmed.hasPrefix("//") ? String(trimmed) : nil
        }
    }
}

private let newline = UInt8(ascii: "\n")
private let space = UInt8(ascii: " ")

private struct Scanner {
    let input: [UInt8]
    var output: [UInt8] = []
    var index = 0

    init(_ input: [UInt8]) {
        self.input = input
        output.reserveCapacity(input.count)
    }

    /// Scans code to the end, or to the parenthesis that closes an interpolation.
    mutating func scanCode(untilParenthesis: Bool) {
        var depth = 0
        while index < input.count {
            if starts("//") {
                blank { $0.peek == newline }
            } else if starts("/*") {
                scanBlockComment()
            } else if peek == UInt8(ascii: "`") {
                blank(1)
                blank { $0.peek == UInt8(ascii: "`") || $0.peek == newline }
                blank(1)
            } else if let hashes = stringStart {
                scanString(hashes: hashes)
            } else {
                if peek == UInt8(ascii: "(") { depth += 1 }
                if peek == UInt8(ascii: ")") { depth -= 1 }
                if untilParenthesis && depth < 0 { return }
                output.append(input[index])
                index += 1
            }
        }
    }

    private mutating func scanBlockComment() {
        var depth = 0
        repeat {
            if starts("/*") {
                depth += 1
                blank(2)
            } else if starts("*/") {
                depth -= 1
                blank(2)
            } else {
                blank(1)
            }
        } while depth > 0 && index < input.count
    }

    private mutating func scanString(hashes: Int) {
        let fence = String(repeating: "#", count: hashes)
        blank(hashes)
        let quote = starts("\"\"\"") ? "\"\"\"" : "\""
        blank(quote.count)
        while index < input.count, !starts(quote + fence) {
            if starts("\\" + fence + "(") {
                blank(2 + hashes)
                scanCode(untilParenthesis: true)
                blank(1)
            } else if starts("\\" + fence) {
                blank(2 + hashes)
            } else {
                if quote == "\"" && peek == newline { return }
                blank(1)
            }
        }
        blank(quote.count + hashes)
    }

    /// The number of hashes before the quote of a string that starts here; nil where none starts.
    private var stringStart: Int? {
        var end = index
        while end < input.count, input[end] == UInt8(ascii: "#") { end += 1 }
        return end < input.count && input[end] == UInt8(ascii: "\"") ? end - index : nil
    }

    private var peek: UInt8 { input[index] }

    private func starts(_ text: String) -> Bool {
        var position = index
        for byte in text.utf8 {
            guard position < input.count, input[position] == byte else { return false }
            position += 1
        }
        return true
    }

    private mutating func blank(_ count: Int) {
        for _ in 0..<count where index < input.count {
            output.append(input[index] == newline ? newline : space)
            index += 1
        }
    }

    private mutating func blank(until isEnd: (Scanner) -> Bool) {
        while index < input.count, !isEnd(self) { blank(1) }
    }
}
