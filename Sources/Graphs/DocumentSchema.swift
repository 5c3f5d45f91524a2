// What a schema can say of graph documents, for editors: the keys, kinds and bounds that the reader of documents checks, from
// the same tables. What it cannot say (ids that are unique, edges that lead somewhere, cycles, code that compiles) is left to
// the reader.

import JSON

/// The JSON Schema 2020-12 of graph documents.
package struct DocumentSchema {
    private let vocabulary: any NodeVocabulary

    package init(_ vocabulary: any NodeVocabulary) {
        self.vocabulary = vocabulary
    }

    package var json: JSONText {
        var schema: JSONObject = [
            "$schema": "https://json-schema.org/draft/2020-12/schema", "title": "Millrace graph",
            "description": "A workflow graph: nodes, and edges between them.",
        ]
        for (key, value) in Self.object(documentKeys, required: ["id", "nodes"], document) { schema[key] = value }
        var definitions: JSONObject = [
            "node": JSONText(node), "edge": JSONText(Self.object(edgeKeys, required: requiredEdgeKeys, edge)),
        ]
        for name in vocabulary.kindNames {
            definitions[JSONKey("config_\(name)")] = vocabulary.schema(ofKind: name)?.json
        }
        schema["$defs"] = JSONText(definitions)
        return JSONText(schema)
    }

    private func document(_ key: JSONKey) -> JSONObject {
        switch key {
        case "$schema": Self.string("Where this schema is found: for editors.")
        case "id": Self.id("^[a-z0-9][a-z0-9._-]{0,\(GraphBounds.idLengthMax - 1)}$", "The graph's id.")
        case "name": Self.string("How it is called. Default: the id.")
        case "description": Self.string("What it does.")
        case "initial_state":
            ["type": "object", "description": "What an execution starts with; its own is laid over it, key by key."]
        case "input_schema":
            [
                "type": "object",
                "description": "JSON Schema 2020-12 of the state that executions begin with, checked at each start.",
            ]
        case "reducers":
            [
                "type": "object", "additionalProperties": JSONText(Self.choice(of: Reducer.self, nil)),
                "description": "How updates of one key combine; a key that is not here is replaced.",
            ]
        case "limits": Self.object(limitKeys, limit)
        case "on_restart":
            Self.choice(of: OnRestart.self, .resume, "What becomes of an execution that a restart has interrupted.")
        case "python":
            Self.object(["interpreter"]) { _ in
                [
                    "type": "string", "minLength": 1, "maxLength": JSONText(GraphBounds.interpreterBytesMax),
                    "description":
                        "What runs the Python nodes: an absolute path, or one below the document's folder. Default: .venv beside the document.",
                ]
            }
        case "drawing":
            ["type": "object", "description": "How the graph is shown that a node holds: its nodes and edges."]
        case "nodes": Self.list(of: "node", counts: 1...vocabulary.nodeCountMax)
        case "edges":
            Self.list(of: "edge", counts: 0...GraphBounds.edgeCountMax(forNodes: vocabulary.nodeCountMax))
        // A key that nothing is said of here takes anything; a test finds it.
        default: [:]
        }
    }

    private func limit(_ key: JSONKey) -> JSONObject {
        let standard = GraphLimits()
        return switch key {
        case "timeout_ms":
            Self.number(GraphBounds.timeoutMilliseconds, standard.timeoutMilliseconds, "Of the whole execution.")
        case "tokens":
            [
                "type": "integer", "minimum": JSONText(GraphBounds.tokens.lowerBound),
                "maximum": JSONText(GraphBounds.tokens.upperBound),
                "description": "Tokens that all llm nodes of an execution may use together. Default: no limit.",
            ]
        default: Self.number(GraphBounds.maxParallelNodes, standard.maxParallelNodes, "Nodes that run at once.")
        }
    }
}

// MARK: - Nodes and edges

extension DocumentSchema {
    /// A node: what all have in common, and what goes by its kind.
    private var node: JSONObject {
        var node = Self.object(nodeKeys, required: requiredNodeKeys, member)
        node["allOf"] = JSONText(array: vocabulary.kindNames.map(condition))
        return node
    }

    /// The config of one kind; what is specific to Python is for Python.
    private func condition(_ kind: String) -> JSONText {
        var then: JSONObject = [:]
        var properties: JSONObject = ["config": ["$ref": JSONText("#/$defs/config_\(kind)")]]
        if kind != "python" { properties["python"] = false }
        then["properties"] = JSONText(properties)
        if let schema = vocabulary.schema(ofKind: kind), !schema.faults(in: [:]).isEmpty {
            then["required"] = ["config"]
        }
        return [
            "if": ["properties": ["kind": ["const": JSONText(kind)]], "required": ["kind"]], "then": JSONText(then),
        ]
    }

    private func member(_ key: JSONKey) -> JSONObject {
        let retry = RetryPolicy()
        return switch key {
        case "id":
            Self.id("^[A-Za-z_][A-Za-z0-9_-]{0,\(GraphBounds.idLengthMax - 1)}$", "The node's id, unique in the graph.")
        case "name": Self.string("How it is called. Default: the id.")
        case "kind":
            [
                "type": "string", "enum": JSONText(array: vocabulary.kindNames.map { JSONText($0) }),
                "description": "What it does.",
            ]
        case "config": ["type": "object", "description": "As its kind wants it."]
        case "timeout_ms":
            Self.number(GraphBounds.timeoutMilliseconds, nil, "For one attempt. Waiting for a worker does not count.")
        case "idle_timeout_ms":
            Self.number(GraphBounds.timeoutMilliseconds, nil, "The attempt ends if it puts out nothing for so long.")
        case "retry":
            Self.object(retryKeys) { key in
                switch key {
                case "max_attempts": Self.number(GraphBounds.maxAttempts, retry.maxAttempts, "The first one included.")
                case "delay_ms":
                    Self.number(
                        GraphBounds.retryDelayMilliseconds, retry.delayMilliseconds, "Before the second attempt.")
                default:
                    Self.number(GraphBounds.backoff, "Each further delay is this times the one before it. Default: 2.")
                }
            }
        case "on_error":
            Self.choice(
                of: OnError.self, .continue, "Dependents still run, dependents are skipped, or the execution ends.")
        case "idempotent":
            [
                "type": "boolean", "default": true,
                "description": "Whether an attempt that a restart of the daemon interrupted may be made again.",
            ]
        case "python":
            Self.object(["fresh_process"]) { _ in
                ["type": "boolean", "default": false, "description": "Whether each attempt gets a process of its own."]
            }
        case "position":
            Self.object(positionKeys, required: positionKeys) { _ in
                Self.number(GraphBounds.coordinate, "In an editor.")
            }
        default: [:]
        }
    }

    private func edge(_ key: JSONKey) -> JSONObject {
        switch key {
        case "when":
            [
                "type": ["string", "object"],
                "description":
                    "Whether the edge is taken: a Lua expression over `state` and `nodes`, or a callable over the state in Python.",
                "anyOf": [
                    JSONText(Self.string("Lua.")),
                    JSONText(
                        Self.object(["python", "file"], required: ["python"]) { key in
                            key == "python"
                                ? Self.string("A path in the file to a callable: graph.edges[0][2].")
                                : Self.string(
                                    "A file beside the document. Default: that of the node that the edge leads from.")
                        }),
                ],
            ]
        case "from": Self.string("The id of the node that it leads from.")
        default: Self.string("The id of the node that it leads to.")
        }
    }
}

// MARK: - Words of JSON Schema

extension DocumentSchema {
    private static func object(
        _ keys: [JSONKey], required: [JSONKey] = [], _ member: (JSONKey) -> JSONObject
    ) -> JSONObject {
        var object: JSONObject = [
            "type": "object", "properties": JSONText(JSONObject(keys.map { ($0, JSONText(member($0))) })),
            "additionalProperties": false,
        ]
        if !required.isEmpty { object["required"] = JSONText(array: required.map { JSONText($0.string) }) }
        return object
    }

    private static func list(of definition: String, counts: ClosedRange<Int>) -> JSONObject {
        [
            "type": "array", "items": ["$ref": JSONText("#/$defs/\(definition)")],
            "minItems": JSONText(counts.lowerBound),
            "maxItems": JSONText(counts.upperBound),
        ]
    }

    private static func string(_ description: String) -> JSONObject {
        ["type": "string", "description": JSONText(description)]
    }

    private static func id(_ pattern: String, _ description: String) -> JSONObject {
        ["type": "string", "pattern": JSONText(pattern), "description": JSONText(description)]
    }

    private static func number(_ range: ClosedRange<Int>, _ standard: Int?, _ description: String) -> JSONObject {
        var number: JSONObject = [
            "type": "integer", "minimum": JSONText(range.lowerBound), "maximum": JSONText(range.upperBound),
            "description": JSONText(description),
        ]
        if let standard { number["default"] = JSONText(standard) }
        return number
    }

    private static func number(_ range: ClosedRange<Double>, _ description: String) -> JSONObject {
        [
            "type": "number", "minimum": JSONText(range.lowerBound), "maximum": JSONText(range.upperBound),
            "description": JSONText(description),
        ]
    }

    private static func choice<Choice: RawRepresentable<String> & CaseIterable>(
        of _: Choice.Type, _ standard: Choice?, _ description: String? = nil
    ) -> JSONObject {
        var choice: JSONObject = [
            "type": "string", "enum": JSONText(array: Choice.allCases.map { JSONText($0.rawValue) }),
        ]
        if let standard { choice["default"] = JSONText(standard.rawValue) }
        if let description { choice["description"] = JSONText(description) }
        return choice
    }
}
