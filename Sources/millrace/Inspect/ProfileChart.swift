// Where the time of an execution went, as a chart with a row for each node: a pure function of the API's answer and the
// terminal's width.

import JSON

/// A profile as lines of a chart.
struct ProfileChart {
    /// How a kind of segment is drawn, the strongest last: where several fall into one column, the last one shows.
    private static let drawn:
        [(kind: String, symbol: Character, plain: Character, style: StyledLine.Style, word: String)] = [
            ("queue", "░", ".", .dim, "queue"), ("retry_wait", "┄", "~", .yellow, "retry wait"),
            ("interrupted", "×", "x", .red, "interrupted"), ("run", "█", "=", .plain, "run"),
        ]
    private static let nameColumnsMax = 28
    private static let barColumnsMin = 16
    /// Behind the bar: `12.3 ms  attempt 2`.
    private static let noteColumns = 26

    let profile: JSONObject
    let columns: Int
    /// Only ASCII, for what is no terminal.
    let isPlain: Bool
    /// Rows at most; what is on the critical path is shown in any case.
    var rowsMax = Int.max

    private var nodes: [JSONText] { profile["nodes"]?.array ?? [] }
    private var wall: Double { max(profile["wall_ms"]?.double ?? 0, 0) }

    var lines: [StyledLine] { [header, StyledLine()] + chart + [StyledLine()] + footer }

    private var header: StyledLine {
        var line = StyledLine(profile["graph_id"]?.string ?? "", .bold)
        line.append("  \(profile["execution_id"]?.string ?? "")", .dim)
        line.append("  \(profile["status"]?.string ?? "")  \(ReadableText.duration(milliseconds: wall))")
        if profile["is_final"]?.bool == false { line.append("  so far", .yellow) }
        return line
    }

    private var chart: [StyledLine] {
        let shown = shown
        let names = shown.map { TerminalText.width(TerminalText.line(nodes[$0]["node_name"]?.string ?? "")) }.max() ?? 0
        let nameColumns = max(4, min(names, Self.nameColumnsMax))
        let barColumns = max(Self.barColumnsMin, columns - nameColumns - Self.noteColumns - 4)
        var lines = [scale(nameColumns, barColumns)]
        lines += shown.map { row(nodes[$0], nameColumns, barColumns) }
        if shown.count < nodes.count {
            lines.append(StyledLine("  \(nodes.count - shown.count) more; --all shows them", .dim))
        }
        return lines
    }

    /// By the time when each was ready; those that never were stand at the end. Where there are too many, the ones that took
    /// the least go.
    private var shown: [Int] {
        var chosen = Array(nodes.indices)
        if chosen.count > rowsMax {
            func weight(_ index: Int) -> Double {
                let time = ["queue_ms", "run_ms", "retry_wait_ms"].reduce(0) {
                    $0 + (nodes[index][JSONKey($1)]?.double ?? 0)
                }
                return nodes[index]["on_critical_path"]?.bool == true ? .infinity : time
            }
            let weights = chosen.map(weight)
            let critical = weights.count { $0 == .infinity }
            chosen.sort { (weights[$1], $0) < (weights[$0], $1) }
            chosen = Array(chosen.prefix(max(rowsMax, min(critical, rowsMax * 5))))
        }
        let ready = nodes.map { $0["ready_at_ms"]?.double ?? .infinity }
        return chosen.sorted { (ready[$0], $0) < (ready[$1], $1) }
    }

    private func scale(_ nameColumns: Int, _ barColumns: Int) -> StyledLine {
        let end = ReadableText.duration(milliseconds: wall)
        var line = StyledLine("  " + String(repeating: " ", count: nameColumns) + "  ")
        line.append(TerminalText.padded("0", columns: max(1, barColumns - TerminalText.width(end))) + end, .dim)
        return line
    }

    private func row(_ node: JSONText, _ nameColumns: Int, _ barColumns: Int) -> StyledLine {
        let isCritical = node["on_critical_path"]?.bool == true
        var line = StyledLine()
        line.append(isCritical ? (isPlain ? "* " : "● ") : "  ", .cyan)
        line.append(node["node_name"]?.string ?? "", column: nameColumns, isCritical ? .bold : .plain)
        append(bar(node, barColumns), to: &line, runs: style(node, isCritical: isCritical))
        line.append("  " + note(node), node["status"]?.string == "error" ? .red : .dim)
        return line
    }

    /// Of its runs.
    private func style(_ node: JSONText, isCritical: Bool) -> StyledLine.Style {
        switch node["status"]?.string {
        case "error": .red
        case "cancelled", "interrupted": .yellow
        default: isCritical ? .cyan : .green
        }
    }

    /// Column by column: the index into `drawn`, nil where the node does nothing.
    private func bar(_ node: JSONText, _ columns: Int) -> [Int?] {
        var cells = [Int?](repeating: nil, count: columns)
        guard wall > 0 else { return cells }
        let segments = node["segments"]?.array ?? []
        for (index, drawn) in Self.drawn.enumerated() {
            for segment in segments where segment["kind"]?.string == drawn.kind {
                let start = (segment["start_ms"]?.double ?? 0) / wall * Double(columns)
                let length = (segment["duration_ms"]?.double ?? 0) / wall * Double(columns)
                let first = min(max(Int(start), 0), columns - 1)
                // A run is shown however short it was; a short wait is not.
                let last = min(Int((start + length).rounded(.up)) - 1, columns - 1)
                guard drawn.kind == "run" || length >= 0.5 else { continue }
                for column in first...max(first, last) { cells[column] = index }
            }
        }
        return cells
    }

    private func append(_ cells: [Int?], to line: inout StyledLine, runs: StyledLine.Style) {
        var rest = cells[...]
        while let first = rest.first {
            let same = rest.prefix { $0 == first }
            rest = rest.dropFirst(same.count)
            let drawn = first.map { Self.drawn[$0] }
            let symbol = drawn.map { isPlain ? $0.plain : $0.symbol } ?? " "
            let style = drawn.map { $0.kind == "run" ? runs : $0.style } ?? .plain
            line.append(String(repeating: symbol, count: same.count), style)
        }
    }

    private func note(_ node: JSONText) -> String {
        let attempts = node["attempts"]?.int ?? 0
        let status = node["status"]?.string ?? ""
        guard attempts > 0 else { return status }
        let time = ReadableText.duration(milliseconds: node["run_ms"]?.double ?? 0)
        let words = status == "success" ? time : "\(time)  \(status)"
        return attempts > 1 ? "\(words)  attempt \(attempts)" : words
    }
}

// MARK: - What it means

extension ProfileChart {
    private var footer: [StyledLine] {
        var lines: [StyledLine] = []
        if !pathWords.isEmpty {
            var line = StyledLine("critical path  ", .bold)
            line.append(pathWords.joined(separator: isPlain ? " -> " : " → "))
            lines.append(line)
        }
        if let bottleneck = profile["bottleneck"], let id = bottleneck["node_id"]?.string {
            var line = StyledLine("bottleneck     ", .bold)
            let percent = ReadableText.fixed((bottleneck["share"]?.double ?? 0) * 100, digits: 1)
            line.append("\(name(id)), \(percent) % of the time: \(bottleneck["reason"]?.string ?? "")")
            lines.append(line)
        }
        for line in Self.slowest(in: nodes).prefix(Self.slowestMax) {
            lines.append(StyledLine("slowest        ", .bold))
            lines[lines.count - 1].append(line.joined(separator: isPlain ? " -> " : " → "))
        }
        let legend = Self.drawn.reversed().map { "\(isPlain ? $0.plain : $0.symbol) \($0.word)" }
        lines.append(
            StyledLine(legend.joined(separator: "   ") + "   \(isPlain ? "*" : "●") on the critical path", .dim))
        return lines
    }

    /// Each node of the path with its time there.
    private var pathWords: [String] {
        var words: [(id: String?, time: Double)] = []
        for part in profile["critical_path"]?.array ?? [] {
            let id = part["node_id"]?.string
            let time = part["duration_ms"]?.double ?? 0
            if let last = words.indices.last, words[last].id == id {
                words[last].time += time
            } else {
                words.append((id, time))
            }
        }
        // The engine's moments between nodes say nothing.
        let told = words.filter { $0.id != nil || $0.time >= wall / 100 }
        let all = told.map { "\($0.id.map(name) ?? "engine") \(ReadableText.duration(milliseconds: $0.time))" }
        guard all.count > Self.pathWordsMax else { return all }
        let half = Self.pathWordsMax / 2
        return all.prefix(half) + ["… \(all.count - 2 * half) more …"] + all.suffix(half)
    }

    private static let pathWordsMax = 24
    private static let slowestMax = 8

    /// Of nodes that run graphs, the scope that took longest: its path, and what it spent its time on. Then those within it.
    private static func slowest(in nodes: [JSONText]) -> [[String]] {
        nodes.flatMap { node -> [[String]] in
            guard let scope = node["slowest"] else { return [] }
            let path = (scope["path"]?.array ?? []).map { $0.string ?? $0.description }.joined(separator: ",")
            let wall = scope["wall_ms"]?.double ?? 0
            var words = ["\(TerminalText.line(path)) \(ReadableText.duration(milliseconds: wall))"]
            for part in scope["critical_path"]?.array ?? [] {
                guard let id = part["node_id"]?.string, let time = part["duration_ms"]?.double, time >= wall / 100
                else {
                    continue
                }
                words.append("\(TerminalText.line(id)) \(ReadableText.duration(milliseconds: time))")
            }
            return [Array(words.prefix(pathWordsMax))] + slowest(in: scope["nodes"]?.array ?? [])
        }
    }

    private func name(_ id: String) -> String {
        nodes.first { $0["node_id"]?.string == id }?["node_name"]?.string ?? id
    }
}
