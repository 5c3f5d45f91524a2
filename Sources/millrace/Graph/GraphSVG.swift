// A graph as an SVG picture: boxes from left to right, edges led around them. Everything that comes from the document is
// escaped, and the picture runs no script and loads nothing.

import Graphs
import OrderedCollections

/// Draws a graph (SVG 1.1).
struct GraphSVG {
    private static let nodeWidth = 180.0
    private static let nodeHeight = 56.0
    private static let margin = 40.0
    private static let titleHeight = 48.0
    /// Of the text in a box, between its mark and its right side.
    private static let textWidth = 150.0
    private static let conditionLengthMax = 36

    let graph: Graph
    private let positions: OrderedDictionary<String, GraphPosition>
    /// By edge, as in `graph.edges`.
    private let bends: [[GraphPosition]]

    /// - Parameter keepsPositions: where the document says of every node where it stands, it stands there.
    init(_ graph: Graph, keepsPositions: Bool) {
        self.graph = graph
        let nodes = graph.document.nodes
        if keepsPositions, nodes.allSatisfy({ $0.position != nil }) {
            positions = OrderedDictionary(
                uniqueKeysWithValues: nodes.map { ($0.id, $0.position ?? GraphPosition(x: 0, y: 0)) })
            bends = Array(repeating: [], count: graph.edges.count)
        } else {
            let (places, turns) = Layout.routed(graph)
            let shifts = Self.shifts(graph, places)
            func spread(_ place: GraphPosition) -> GraphPosition {
                GraphPosition(x: place.x + shifts[Self.layer(of: place)], y: place.y)
            }
            positions = places.mapValues(spread)
            bends = turns.map { $0.map(spread) }
        }
    }

    var text: String {
        let all = positions.values + bends.flatMap { $0 }
        let left = (all.map(\.x).min() ?? 0) - Self.margin
        let top = (all.map(\.y).min() ?? 0) - Self.margin - Self.titleHeight
        let right = (all.map(\.x).max() ?? 0) + Self.nodeWidth + Self.margin
        let bottom = (all.map(\.y).max() ?? 0) + Self.nodeHeight + Self.margin
        let (width, height) = (right - left, bottom - top)
        let document = graph.document
        let title = Self.escaped(document.name)
        let box = [left, top, width, height].map(Self.number).joined(separator: " ")
        var lines = [
            #"<?xml version="1.0" encoding="UTF-8"?>"#,
            #"<svg xmlns="http://www.w3.org/2000/svg" width="\#(Self.number(width))" height="\#(Self.number(height))" viewBox="\#(box)" role="img">"#,
            "<title>\(title)</title>",
        ]
        if !document.description.isEmpty { lines.append("<desc>\(Self.escaped(document.description))</desc>") }
        lines.append(Self.style)
        lines.append(
            #"<rect class="paper" x="\#(Self.number(left))" y="\#(Self.number(top))" width="\#(Self.number(width))" height="\#(Self.number(height))"/>"#
        )
        lines.append(
            #"<text class="title" x="\#(Self.number(left + Self.margin))" y="\#(Self.number(top + Self.margin))">\#(title)</text>"#
        )
        lines += graph.edges.indices.map(edge)
        lines += document.nodes.map(node)
        lines += graph.edges.indices.compactMap(condition)
        return (lines + ["</svg>", ""]).joined(separator: "\n")
    }

    /// Layer → by how much it must move to the right, so that the words of the conditions fit between the layers.
    private static func shifts(_ graph: Graph, _ places: OrderedDictionary<String, GraphPosition>) -> [Double] {
        var gaps = [Double](repeating: Layout.layerWidth - nodeWidth, count: graph.nodes.count + 1)
        for edge in graph.edges {
            guard let when = edge.when, let source = places[graph.nodes[edge.from].id] else { continue }
            let columns = min(TerminalText.width(when), conditionLengthMax)
            let layer = layer(of: source)
            gaps[layer] = max(gaps[layer], Double(columns) * 6.7 + 24)
        }
        var shift = 0.0
        return gaps.map { gap in
            defer { shift += gap - (Layout.layerWidth - nodeWidth) }
            return shift
        }
    }

    private static func layer(of place: GraphPosition) -> Int {
        Int(((place.x - Layout.origin.x) / Layout.layerWidth).rounded())
    }

    private func place(_ rank: Int) -> GraphPosition {
        positions[graph.nodes[rank].id] ?? Layout.origin
    }
}

// MARK: - Parts

extension GraphSVG {
    private func node(_ node: GraphNode) -> String {
        let place = positions[node.id] ?? Layout.origin
        let (x, y) = (place.x, place.y)
        let name = Self.fitted(node.name, size: 14)
        let kind = Self.fitted(node.name == node.id ? node.kind : "\(node.kind) · \(node.id)", size: 11)
        let hint = node.name == node.id ? "\(node.id) (\(node.kind))" : "\(node.name): \(node.id) (\(node.kind))"
        return """
            <g class="node \(Self.colour(of: node.kind))" transform="translate(\(Self.number(x)) \(Self.number(y)))">
              <title>\(Self.escaped(hint))</title>
              <rect class="box" width="\(Self.number(Self.nodeWidth))" height="\(Self.number(Self.nodeHeight))" rx="8"/>
              <rect class="mark" x="9" y="11" width="4" height="34" rx="2"/>
              <text class="name" x="22" y="25">\(Self.escaped(name))</text>
              <text class="kind" x="22" y="43">\(Self.escaped(kind))</text>
            </g>
            """
    }

    /// From the right side of its source to the left one of its target; where it passes a layer, straight on.
    private func points(_ index: Int) -> [(x: Double, y: Double)] {
        let edge = graph.edges[index]
        let (source, target) = (place(edge.from), place(edge.to))
        var points = [(source.x + Self.nodeWidth, source.y + Self.nodeHeight / 2)]
        for bend in bends[index] { points += [(bend.x, bend.y), (bend.x + Self.nodeWidth, bend.y)] }
        return points + [(target.x, target.y + Self.nodeHeight / 2)]
    }

    private func edge(_ index: Int) -> String {
        let points = points(index)
        var path = "M\(Self.number(points[0].x)) \(Self.number(points[0].y))"
        for (place, (from, to)) in zip(points, points.dropFirst()).enumerated() {
            if !place.isMultiple(of: 2) {
                path += "L\(Self.number(to.x)) \(Self.number(to.y))"
                continue
            }
            // Where the target stands on the left, the curve goes around.
            let reach = max(abs(to.x - from.x) / 2, to.x < from.x ? Self.nodeWidth : 24)
            let numbers = [from.x + reach, from.y, to.x - reach, to.y, to.x, to.y].map(Self.number)
            path += "C\(numbers.joined(separator: " "))"
        }
        let kind = graph.edges[index].when == nil ? "edge" : "edge conditional"
        let arrow = arrow(at: points[points.count - 1])
        return #"<path class="\#(kind)" d="\#(path)"/><path class="arrow" d="\#(arrow)"/>"#
    }

    private func arrow(at point: (x: Double, y: Double)) -> String {
        "M\(Self.number(point.x)) \(Self.number(point.y))l-9 -4.5v9z"
    }

    /// The words of a conditional edge, in the middle of its first curve.
    private func condition(_ index: Int) -> String? {
        guard let when = graph.edges[index].when else { return nil }
        let points = points(index)
        let (x, y) = ((points[0].x + points[1].x) / 2, (points[0].y + points[1].y) / 2 - 6)
        let words = Self.shortened(when, to: Self.conditionLengthMax)
        return """
            <text class="when" x="\(Self.number(x))" y="\(Self.number(y))"><title>\(Self.escaped(when))</title>\
            \(Self.escaped(words))</text>
            """
    }
}

// MARK: - Words and numbers

extension GraphSVG {
    private static let kinds = ["set", "delay", "lua", "python", "process"]

    private static func colour(of kind: String) -> String { kinds.contains(kind) ? "kind-\(kind)" : "kind-other" }

    /// Cut to the width of a box; letters of a proportional font are some 0.62 of its size wide, ideographs as wide as high.
    private static func fitted(_ text: String, size: Double) -> String {
        let columns = Int(textWidth / (size * 0.62))
        return TerminalText.truncated(TerminalText.line(text), columns: columns)
    }

    private static func shortened(_ text: String, to length: Int) -> String {
        TerminalText.truncated(TerminalText.line(text), columns: length)
    }

    /// Text and attribute values alike. What XML 1.0 does not allow becomes U+FFFD (section 2.2).
    static func escaped(_ text: String) -> String {
        var result = String.UnicodeScalarView()
        for scalar in text.unicodeScalars {
            switch scalar {
            case "&": result.append(contentsOf: "&amp;".unicodeScalars)
            case "<": result.append(contentsOf: "&lt;".unicodeScalars)
            case ">": result.append(contentsOf: "&gt;".unicodeScalars)
            case "\"": result.append(contentsOf: "&quot;".unicodeScalars)
            case "'": result.append(contentsOf: "&#39;".unicodeScalars)
            case "\t", "\n", "\r": result.append(scalar)
            case _ where scalar.value < 0x20 || 0x7F...0x9F ~= scalar.value || scalar.value & 0xFFFE == 0xFFFE:
                result.append("\u{FFFD}")
            default: result.append(scalar)
            }
        }
        return String(result)
    }

    private static func number(_ value: Double) -> String {
        let rounded = (value * 10).rounded() / 10
        return rounded == rounded.rounded() ? String(Int(rounded)) : String(rounded)
    }

    private static let style = """
        <style>
          .paper { fill: #ffffff }
          text { font-family: system-ui, "Segoe UI", "DejaVu Sans", sans-serif; fill: #1f2430 }
          .title { font-size: 18px; font-weight: 600 }
          .box { fill: #f7f8fa; stroke: #c6ccd6; stroke-width: 1.2 }
          .name { font-size: 14px; font-weight: 600 }
          .kind { font-size: 11px; fill: #626b7a }
          .edge { fill: none; stroke: #8a93a3; stroke-width: 1.6 }
          .conditional { stroke-dasharray: 6 4 }
          .arrow { fill: #8a93a3 }
          .when { font: 11px ui-monospace, "DejaVu Sans Mono", monospace; fill: #8a4b00; text-anchor: middle;
            stroke: #ffffff; stroke-width: 4px; paint-order: stroke }
          .mark { fill: #7c8696 }
          .kind-set .mark { fill: #2f7fd6 }
          .kind-delay .mark { fill: #9a6bd0 }
          .kind-lua .mark { fill: #1b3fa0 }
          .kind-python .mark { fill: #c99700 }
          .kind-process .mark { fill: #2c9a5b }
          @media (prefers-color-scheme: dark) {
            .paper { fill: #14171d }
            text { fill: #e4e8ef }
            .box { fill: #1f242d; stroke: #3d4656 }
            .kind { fill: #9aa4b5 }
            .edge { stroke: #768094 }
            .arrow { fill: #768094 }
            .when { fill: #f0b35c; stroke: #14171d }
            .kind-lua .mark { fill: #6f8df0 }
          }
        </style>
        """
}
