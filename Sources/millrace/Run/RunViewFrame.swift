// One frame of the live view: a pure function of what is known, the time and the terminal's size. Where the terminal is too
// low for all nodes, those that have ended well go first, then the others that have ended, then the last of those that run.

/// What the live view shows at one moment.
struct RunViewFrame {
    private static let spinner = ["⠋", "⠙", "⠹", "⠸", "⠼", "⠴", "⠦", "⠧", "⠇", "⠏"]
    private static let nameColumnsMax = 32
    private static let kindColumnsMax = 12
    /// Waits below that say nothing.
    private static let queueMillisecondsMin = 1.0

    let model: RunViewModel
    let size: Terminal.Size
    /// By the daemon's clock.
    let nowMicroseconds: Int64
    /// Counts frames, for the spinner.
    let tick: Int
    /// What is to be known beside the events.
    var notice: String?

    var lines: [StyledLine] {
        let footer = footer
        // One row stays free, or the terminal would scroll.
        let rows = max(1, size.rows - 1 - 1 - footer.count)
        return [header] + body(rows: rows) + footer
    }

    private var header: StyledLine {
        var line = StyledLine()
        guard model.startedAtMicroseconds != nil else {
            line.append("waiting for the start", .dim)
            return line
        }
        line.append(model.graphID, .bold)
        line.append("  \(model.executionID)", .dim)
        return line
    }

    private var footer: [StyledLine] {
        var line = StyledLine()
        if model.ending == nil {
            line.append("\(model.endedCount)/\(model.nodeCount) nodes done")
            if let start = model.startedAtMicroseconds {
                line.append("  \(ReadableText.duration(milliseconds: Double(nowMicroseconds - start) / 1000))", .dim)
            }
        }
        let notices = notice.map { [StyledLine($0, .yellow)] } ?? []
        return (model.ending == nil ? [line] : []) + notices
    }
}

// MARK: - Nodes

extension RunViewFrame {
    private func body(rows: Int) -> [StyledLine] {
        // A map is one line, however many items it has.
        let maps = Set(model.nodes.lazy.filter(\.isMap).map(\.key))
        let nodes = model.nodes + model.nested.filter { !maps.contains($0.root) }
        let hidden = hidden(nodes, rows: rows)
        var lines: [StyledLine] = []
        let endedCount = hidden.count { !nodes[$0].phase.isOpen }
        if endedCount > 0 { lines.append(StyledLine("  … \(endedCount) more have ended", .dim)) }
        let shown = nodes.indices.filter { !hidden.contains($0) }
        let names = shown.map { TerminalText.width(TerminalText.line(label(nodes[$0]))) }.max() ?? 0
        let kinds = shown.map { TerminalText.width(TerminalText.line(nodes[$0].kind)) }.max() ?? 0
        let columns = (min(names, Self.nameColumnsMax), min(kinds, Self.kindColumnsMax))
        for index in order(shown, nodes) { lines += block(nodes[index], columns) }
        let openCount = hidden.count - endedCount
        if openCount > 0 { lines.append(StyledLine("  … \(openCount) more are running", .dim)) }
        return Array(lines.prefix(rows))
    }

    /// Nodes inside of others stand beneath them.
    private func order(_ shown: [Int], _ nodes: [RunViewModel.Node]) -> [Int] {
        guard !model.nested.isEmpty else { return shown }
        let inner = Dictionary(grouping: shown.filter { !nodes[$0].isRoot }) { nodes[$0].root }
        let roots = shown.filter { nodes[$0].isRoot }
        let orphans = shown.filter { index in
            !nodes[index].isRoot && !roots.contains { nodes[$0].key == nodes[index].root }
        }
        return roots.flatMap { [$0] + (inner[nodes[$0].key] ?? []) } + orphans
    }

    /// The nodes to leave out so that the others fit.
    private func hidden(_ nodes: [RunViewModel.Node], rows: Int) -> Set<Int> {
        var height = nodes.reduce(0) { $0 + Self.height($1) }
        guard height > rows else { return [] }
        // Two rows for the words on what is left out.
        let available = max(1, rows - 2)
        var hidden: Set<Int> = []
        func hide(_ candidates: some Sequence<Int>) {
            for index in candidates where height > available && hidden.insert(index).inserted {
                height -= Self.height(nodes[index])
            }
        }
        hide(nodes.indices.filter { !nodes[$0].phase.isOpen && nodes[$0].phase != .error })
        hide(nodes.indices.filter { !nodes[$0].phase.isOpen })
        hide(nodes.indices.reversed())
        return hidden
    }

    private static func height(_ node: RunViewModel.Node) -> Int {
        ((node.output != nil && node.phase.isOpen) || node.error != nil ? 2 : 1)
            + (node.progress?.failedLines.count ?? 0)
    }

    private func label(_ node: RunViewModel.Node) -> String {
        node.isRoot ? node.name : "  " + node.key.dropFirst(node.root.count)
    }

    private func block(_ node: RunViewModel.Node, _ columns: (name: Int, kind: Int)) -> [StyledLine] {
        var line = StyledLine("  ")
        let (mark, style) = mark(node.phase)
        line.append("\(mark) ", style)
        line.append(label(node), column: columns.name, node.phase == .skipped ? .dim : .plain)
        if columns.kind > 0 { line.append(node.kind, column: columns.kind, .dim) }
        line.append(timing(node))
        if let progress = node.progress {
            line.append("  ")
            line.append(progress.line(isMap: node.isMap, isOpen: node.phase.isOpen))
        }
        if let queue = node.queueMilliseconds, queue >= Self.queueMillisecondsMin {
            line.append("  waited \(ReadableText.duration(milliseconds: queue))", .dim)
        }
        if node.attempt > 1 { line.append("  attempt \(node.attempt)", .yellow) }
        var lines = [line]
        if let error = node.error {
            lines.append(StyledLine("      \(error)", .red))
        } else if let output = node.output, node.phase.isOpen {
            lines.append(StyledLine("      \(output)", .dim))
        }
        return lines + (node.progress?.failedLines ?? [])
    }

    private func mark(_ phase: RunViewModel.Phase) -> (String, StyledLine.Style) {
        switch phase {
        case .running: (Self.spinner[tick % Self.spinner.count], .cyan)
        case .retrying: ("↻", .yellow)
        case .interrupted: ("↻", .dim)
        case .success: ("✓", .green)
        case .cached: ("✓", .cyan)
        case .error: ("✗", .red)
        case .cancelled: ("⊘", .yellow)
        case .skipped: ("⏭", .dim)
        }
    }

    private func timing(_ node: RunViewModel.Node) -> String {
        switch node.phase {
        case .running: ReadableText.duration(milliseconds: Double(nowMicroseconds - node.startedAtMicroseconds) / 1000)
        case .retrying: "will be tried again"
        case .interrupted: "interrupted"
        case .skipped: "skipped"
        case .cached: "cached"
        case .cancelled: "cancelled"
        case .success, .error: ReadableText.duration(milliseconds: node.durationMilliseconds ?? 0)
        }
    }
}
