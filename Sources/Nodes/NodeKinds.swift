import Executions
import Graphs
import JSON

/// The kinds of nodes that graphs may use, and the language of their conditions.
package struct NodeKinds: GraphCompiler {
    private struct Entry {
        let kind: any NodeKind
        let schema: ConfigSchema
    }

    private let entries: [Entry]
    private let indexByName: [String: Int]

    package let nodeCountMax: Int
    private let syntax: PythonSyntax?
    private let python: PythonWorkers?

    /// - Parameter enabled: the names of the kinds that may be used; nil or `*` among them: all.
    package init(
        _ kinds: [any NodeKind], enabled: [String]? = nil, nodeCountMax: Int = GraphBounds.nodeCountMax,
        syntax: PythonSyntax? = nil, python: PythonWorkers? = nil
    ) {
        self.python = python
        self.nodeCountMax = nodeCountMax
        self.syntax = syntax
        let allows: (String) -> Bool = { name in enabled.map { $0.contains(name) || $0.contains("*") } ?? true }
        entries = kinds.filter { allows($0.name) }.map { kind in
            guard let schema = try? ConfigSchema(kind.configSchema) else {
                preconditionFailure("the schema of kind \(kind.name) is valid")
            }
            return Entry(kind: kind, schema: schema)
        }
        indexByName = Dictionary(uniqueKeysWithValues: entries.enumerated().map { ($1.kind.name, $0) })
    }

    package var kindNames: [String] { entries.map(\.kind.name) }

    /// Whether a graph can run code of its author's choice with the daemon's rights.
    package var runsCode: Bool { entries.contains(where: \.kind.runsCode) }

    package var kindDescriptions: JSONText {
        JSONText(
            array: entries.map { entry in
                [
                    "name": JSONText(entry.kind.name), "title": JSONText(entry.kind.title),
                    "description": JSONText(entry.kind.summary), "runs_code": JSONText(entry.kind.runsCode),
                    "config_schema": entry.kind.configSchema,
                ]
            })
    }

    package func schema(ofKind name: String) -> ConfigSchema? {
        indexByName[name].map { entries[$0].schema }
    }

    package func faults(inConfig config: JSONObject, ofKind name: String, files: GraphFiles) -> [GraphFault] {
        do {
            _ = try body(config, ofKind: name, nil, files: files)
            return []
        } catch {
            return error.faults
        }
    }

    package func code(inConfig config: JSONObject, ofKind name: String) -> [NodeCode] {
        indexByName[name].map { entries[$0].kind.code(in: config) } ?? []
    }

    package func codeFaults(of documents: [DocumentCode?], in folder: String?) -> [GraphFaults?] {
        syntax?.faults(of: documents, in: folder) ?? documents.map { _ in nil }
    }

    package func fault(inCondition source: String) -> String? {
        do {
            _ = try LuaCondition(source)
            return nil
        } catch {
            return error.message
        }
    }

    package func fault(inPythonCondition path: String) -> String? {
        guard python != nil, indexByName["python"] != nil else {
            return "no node may run Python here, and no condition"
        }
        return PythonPath.isPath(path) ? nil : "must be a path to a callable, such as `graph.edges[0][2]`"
    }

    package func compile(
        _ graph: Graph, identity: GraphIdentity, createdAtMicroseconds: Int64
    ) throws(GraphFaults) -> GraphRevision {
        var faults: [GraphFault] = []
        let nested = nested(of: graph, identity, createdAtMicroseconds, &faults)
        let bodies = bodies(of: graph, nested, identity.files, &faults)
        let conditions = conditions(of: graph, &faults)
        guard faults.isEmpty else { throw GraphFaults(faults) }
        return GraphRevision(
            graph: graph, identity: identity, createdAtMicroseconds: createdAtMicroseconds, bodies: bodies,
            nested: nested, conditions: conditions)
    }

    private func nested(
        of graph: Graph, _ identity: GraphIdentity, _ createdAtMicroseconds: Int64, _ faults: inout [GraphFault]
    ) -> [GraphRevision?] {
        var nested: [GraphRevision?] = []
        for (rank, inner) in graph.nested.enumerated() {
            do {
                nested.append(
                    try inner.map { inner throws(GraphFaults) in
                        try compile(inner, identity: identity, createdAtMicroseconds: createdAtMicroseconds)
                    })
            } catch {
                nested.append(nil)
                let place = "/nodes/\(graph.documentIndex[rank])/config"
                faults += error.faults.map { GraphFault(pointer: place + $0.pointer, message: $0.message) }
            }
        }
        return nested
    }

    private func bodies(
        of graph: Graph, _ nested: [GraphRevision?], _ files: GraphFiles, _ faults: inout [GraphFault]
    ) -> [any NodeBody] {
        var bodies: [any NodeBody] = []
        for (rank, node) in graph.nodes.enumerated() {
            do {
                bodies.append(try body(node.config, ofKind: node.kind, nested[rank], files: files))
            } catch {
                let place = "/nodes/\(graph.documentIndex[rank])/config"
                faults += error.faults.map { GraphFault(pointer: place + $0.pointer, message: $0.message) }
            }
        }
        return bodies
    }

    private func conditions(of graph: Graph, _ faults: inout [GraphFault]) -> [(any EdgeCondition)?] {
        var conditions: [(any EdgeCondition)?] = []
        for edge in graph.edges {
            do {
                conditions.append(try compileCondition(edge))
            } catch {
                faults.append(GraphFault(pointer: "/edges/\(edge.documentIndex)/when", message: error.message))
            }
        }
        return conditions
    }

    private func compileCondition(_ edge: Graph.Edge) throws(LuaSyntaxError) -> (any EdgeCondition)? {
        if let condition = edge.python, let python { return PythonCondition(condition, python) }
        return try edge.when.map { source throws(LuaSyntaxError) in try LuaCondition(source) }
    }

    private func body(
        _ config: JSONObject, ofKind name: String, _ nested: GraphRevision?, files: GraphFiles
    ) throws(GraphFaults) -> any NodeBody {
        guard let index = indexByName[name] else { throw GraphFaults("there is no kind of node named \(name)") }
        if let kind = entries[index].kind as? any ScopeKind { return try kind.compile(config, nested: nested) }
        return try entries[index].kind.compile(config, files: files)
    }
}
