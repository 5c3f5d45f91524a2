import Executions
import Graphs
import JSON

/// `map`: runs a graph for each item of a list.
struct MapKind: ScopeKind {
    static let parallelMax = 10_000

    let name = "map"
    let title = "Map"
    let summary = """
        Runs a graph for each item of a list, or for each line of a file, some at a time, and gathers what comes of them in the \
        order of the items. What has ended for one item is never run again, whatever becomes of the others.
        """
    let runsCode = false
    let graphs: (any InnerGraphs)?
    /// Where files are read.
    let lane: BlockingLane?

    let configSchema: JSONText = [
        "type": "object",
        "properties": [
            "items": [
                "title": "Items",
                "description": """
                A list, a template that gives one (`{{ state.rows }}`), or `{"file": "rows.ndjson"}`: a file beside the graph \
                document with one JSON value a line, read as it goes. At most 10,000,000.
                """,
            ],
            "as": [
                "type": "string", "minLength": 1, "default": "item", "title": "As",
                "description": "The key under which the graph finds its item.",
            ],
            "index": [
                "type": "string", "minLength": 1, "default": "index", "title": "Index",
                "description": "The key under which the graph finds the index of its item, from 0.",
            ],
            "graph": ["type": "string", "title": "Graph", "description": "The id of the graph to run."],
            "nodes": [
                "type": "array", "minItems": 1, "title": "Nodes",
                "description": "The nodes to run, in place of a graph.",
            ],
            "edges": ["type": "array", "title": "Edges", "description": "The edges between those nodes."],
            "parallel": [
                "type": "integer", "minimum": 1, "maximum": JSONText(parallelMax), "default": 8, "title": "Parallel",
                "description": "Items at a time. The next one starts when one ends.",
            ],
            "on_item_error": [
                "enum": ["fail", "collect"], "default": "fail", "title": "On item error",
                "description": """
                fail: the first item that fails cancels the others, and the node fails. collect: all items run, and the \
                failures are listed under the key of the results with `_errors` behind it.
                """,
            ],
            "state": [
                "type": "object", "title": "State",
                "description": """
                What the graph begins with; strings may be templates. Without it: the node's input state, without the key of \
                the list, with the item and its index.
                """,
            ],
            "result": [
                "title": "Result",
                "description": """
                What is kept of an item: any JSON, whose strings may be templates over its final state. Without it: what its \
                nodes changed.
                """,
            ],
            "into": [
                "type": ["string", "null"], "default": "results", "title": "Into",
                "description": "The key that takes the list of results; null: none is wanted.",
            ],
            "reduce": [
                "type": "object", "title": "Reduce",
                "additionalProperties": ["enum": ["replace", "append", "merge", "sum", "min", "max"]],
                "description": """
                Keys of the results whose values are combined into the same key of the state, in the order of the items: \
                `{"count": "sum"}`.
                """,
            ],
        ],
        "required": ["items"],
        "additionalProperties": false,
    ]

    func compile(_ config: JSONObject, nested: GraphRevision?) throws(GraphFaults) -> any NodeBody {
        MapBody(config: try MapConfig(config, nested: nested, graphs: graphs, lane: lane))
    }
}

/// A node's config, checked.
final class MapConfig: Sendable {
    let items: TemplateValue
    /// The key of the state that is the list, and nothing but that.
    let listKey: JSONKey?
    let item: JSONKey
    let index: JSONKey
    let choice: InnerChoice
    let parallel: Int
    let collects: Bool
    let state: TemplateValue?
    let result: TemplateValue?
    let into: JSONKey?
    let reduce: [(JSONKey, Reducer)]
    let lane: BlockingLane?

    init(
        _ config: JSONObject, nested: GraphRevision?, graphs: (any InnerGraphs)?, lane: BlockingLane?
    ) throws(GraphFaults) {
        let written = config["items"] ?? .null
        guard [.array, .object, .string].contains(written.kind) else {
            throw GraphFaults(pointer: "/items", "must be a list, a template, or a file")
        }
        if written.kind == .object, written.object?.keys != ["file"] {
            throw GraphFaults(pointer: "/items", "must be a list, a template, or an object with `file` alone")
        }
        items = try TemplateValue(written, at: JSONPointer(["items"]))
        if written.kind == .string, items.constant != nil {
            throw GraphFaults(pointer: "/items", "is no list: a template such as {{ state.rows }} gives one")
        }
        listKey = written.string.flatMap { Self.key(ofTemplate: $0) }
        item = JSONKey(config["as"]?.string ?? "item")
        index = JSONKey(config["index"]?.string ?? "index")
        guard item != index else { throw GraphFaults(pointer: "/index", "must be another key than `as`") }
        choice = try InnerChoice(config, nested: nested, graphs: graphs)
        parallel = config["parallel"]?.int ?? 8
        collects = config["on_item_error"]?.string == "collect"
        state = try Self.template(config, "state")
        result = try Self.template(config, "result")
        into = config["into"].map { $0.string.map { JSONKey($0) } } ?? JSONKey("results")
        var reduce: [(JSONKey, Reducer)] = []
        for (key, name) in config["reduce"]?.object ?? [:] {
            if let reducer = Reducer(rawValue: name.string ?? "") { reduce.append((key, reducer)) }
        }
        self.reduce = reduce
        self.lane = lane
    }

    private static func template(_ config: JSONObject, _ key: String) throws(GraphFaults) -> TemplateValue? {
        guard let value = config[key] else { return nil }
        return try TemplateValue(value, at: JSONPointer([key]))
    }

    /// `rows` of `{{ state.rows }}`; nil for any other text.
    private static func key(ofTemplate text: String) -> JSONKey? {
        guard let match = text.wholeMatch(of: #/\s*\{\{\s*state\.([A-Za-z_][A-Za-z0-9_]*)\s*\}\}\s*/#),
            !text.hasPrefix(" "), !text.hasSuffix(" ")
        else { return nil }
        return JSONKey(String(match.1))
    }

    /// Why a result cannot be taken, or nil.
    func refusal(of value: JSONText) -> String? {
        for (key, reducer) in reduce {
            guard let part = value[key], let refusal = reducer.refusal(of: part) else { continue }
            return "\"\(key.string)\" is \(refusal)"
        }
        return nil
    }

    var emptyResults: MapResults { MapResults(wantsList: into != nil, collects: collects, reduce: reduce) }
}

struct MapBody: ScopeBody {
    let config: MapConfig

    func start(_ call: NodeCall) -> NodeStart {
        .composed(MapPlan(config, PlanInput(call)), call.state)
    }

    func emptyPlan() -> any ScopePlan { MapPlan(config) }
}
