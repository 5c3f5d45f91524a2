/// A line for the terminal, made of pieces with a style each. Every piece is sanitized as it is added.
struct StyledLine: Equatable, Sendable {
    /// SGR codes (ECMA-48, 8.3.117).
    enum Style: String, Sendable {
        case plain = "0"
        case bold = "1"
        case dim = "2"
        case red = "31"
        case green = "32"
        case yellow = "33"
        case cyan = "36"
    }

    private struct Piece: Equatable, Sendable {
        var text: String
        let style: Style
    }

    private var pieces: [Piece] = []

    init() {}

    init(_ text: String, _ style: Style = .plain) {
        append(text, style)
    }

    mutating func append(_ text: String, _ style: Style = .plain) {
        pieces.append(Piece(text: TerminalText.line(text), style: style))
    }

    mutating func append(_ line: StyledLine) { pieces += line.pieces }

    /// The same, in a column of its own width, with two spaces behind it.
    mutating func append(_ text: String, column: Int, _ style: Style = .plain) {
        let cut = TerminalText.truncated(TerminalText.line(text), columns: column)
        append(TerminalText.padded(cut, columns: column) + "  ", style)
    }

    /// The text in at most so many columns.
    func rendered(columns: Int = .max, usesColor: Bool) -> String {
        var result = ""
        var left = columns
        for piece in pieces {
            let text = TerminalText.truncated(piece.text, columns: left)
            left -= TerminalText.width(text)
            let isStyled = usesColor && piece.style != .plain && !text.isEmpty
            result += isStyled ? "\u{1B}[\(piece.style.rawValue)m\(text)\u{1B}[0m" : text
            if left <= 0 { break }
        }
        return usesColor ? result : TerminalText.trimmed(result)
    }
}
