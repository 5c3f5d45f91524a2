/// Rows in aligned columns, for people; scripts ask for `--json`.
struct TextTable {
    private var rows: [[String]]

    init(_ header: [String]) {
        rows = [header]
    }

    mutating func add(_ row: [String]) {
        precondition(row.count == rows[0].count, "each row has all columns")
        rows.append(row.map { TerminalText.line($0) })
    }

    /// The header and the rows.
    var lines: [String] {
        let widths = rows[0].indices.map { column in rows.map { TerminalText.width($0[column]) }.max() ?? 0 }
        return rows.map { row in
            TerminalText.trimmed(
                zip(row, widths).map { TerminalText.padded($0, columns: $1) }.joined(separator: "  "))
        }
    }

    func print() throws(OutputFailure) {
        for line in lines { try Terminal.print(line) }
    }
}
