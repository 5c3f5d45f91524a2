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

    /// The header and the rows; the last column is not filled up.
    var lines: [String] {
        let widths = rows[0].indices.map { column in rows.map { TerminalText.width($0[column]) }.max() ?? 0 }
        return rows.map { row in
            zip(row, widths).enumerated().map { index, cell in
                index == row.count - 1 ? cell.0 : TerminalText.padded(cell.0, columns: cell.1)
            }.joined(separator: "  ")
        }
    }

    func print() {
        for line in lines { Terminal.print(line) }
    }
}
