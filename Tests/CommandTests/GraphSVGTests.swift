import JSON
import Testing

@testable import millrace

@Suite struct GraphSVGTests {
    private func svg(_ document: JSONText, keepsPositions: Bool = true) throws -> String {
        GraphSVG(try GraphFile(document: document.bytes, from: "test").graph, keepsPositions: keepsPositions).text
    }

    private let document: JSONText = [
        "id": "g", "name": #"<script>"A" & 'B'"#, "description": "]]> & <b>",
        "nodes": [
            ["id": "a", "kind": "lua", "name": "</text><script>alert(1)</script>\u{1B}\u{FFFF}"],
            ["id": "b", "kind": "set"], ["id": "c", "kind": "set"],
        ],
        "edges": [
            ["from": "a", "to": "b", "when": "state.x < 1 and state.y > 2 -- a very long condition"],
            ["from": "b", "to": "c"], ["from": "a", "to": "c"],
        ],
    ]

    @Test func `what a document says is text and never markup`() throws {
        let text = try svg(document)
        #expect(!text.contains("<script") && !text.contains("alert(1)</s") && !text.contains("<b>"))
        #expect(text.contains("&lt;script&gt;&quot;A&quot; &amp; &#39;B&#39;"))
        #expect(text.contains("state.x &lt; 1 and state.y &gt; 2 -- a very long condition"))
        #expect(!text.unicodeScalars.contains { $0.value < 0x20 && $0 != "\n" || $0.value == 0xFFFF })
    }

    @Test func `each node and each edge is drawn once`() throws {
        let text = try svg(document)
        #expect(text.ranges(of: #"<g class="node"#).count == 3)
        #expect(text.ranges(of: #"class="arrow""#).count == 3)
        #expect(text.ranges(of: #"class="edge conditional""#).count == 1)
        #expect(text.hasPrefix("<?xml") && text.hasSuffix("</svg>\n"))
    }

    @Test func `an edge over a layer is led around what stands there`() throws {
        let path = try #require(try svg(document).split(separator: "\n").last { $0.contains(#"class="edge" d="#) })
        // A curve to the layer between, straight on through it, a curve to the target.
        #expect(path.ranges(of: "C").count == 2 && path.ranges(of: "L").count == 1)
    }

    @Test func `a document's own positions hold unless a new layout is asked for`() throws {
        let placed: JSONText = [
            "id": "g", "nodes": [["id": "a", "kind": "set", "position": ["x": 777, "y": -333]]],
        ]
        #expect(try svg(placed).contains("translate(777 -333)"))
        #expect(try svg(placed, keepsPositions: false).contains("translate(80 40)"))
    }
}
