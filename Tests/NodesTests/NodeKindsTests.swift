import Executions
import Graphs
import JSON
import Testing

@testable import Nodes

@Suite struct NodeKindsTests {
    private let kinds = NodeKinds([SetKind(), LuaKind(limits: .node)])

    private func parse(_ document: String) throws -> GraphRevisionContent {
        try Graph.parse(Array(document.utf8), format: .json, vocabulary: kinds, files: GraphFiles())
    }

    private func revision(of document: String) throws -> GraphRevision {
        let content = try parse(document)
        let identity = GraphIdentity(id: "g", revision: 1, files: content.files, folder: nil)
        return try kinds.compile(content.graph, identity: identity, createdAtMicroseconds: 0)
    }

    @Test func `a graph is compiled by rank and by edge`() async throws {
        let revision = try revision(
            of: #"""
                {"id": "g", "nodes": [
                  {"id": "b", "kind": "lua", "config": {"expression": "state.x + 1", "key": "y"}},
                  {"id": "a", "kind": "set", "config": {"values": {"x": 1}}}],
                 "edges": [{"from": "a", "to": "b", "when": "state.x == 1"}]}
                """#)
        #expect(revision.graph.nodes.map(\.id) == ["a", "b"])
        #expect(await revision.bodies[0].run(call()).update == ["x": 1])
        #expect(await revision.bodies[1].run(call(["x": 1])).update == ["y": 2])
        let scope = ConditionScope(state: State(initial: ["x": 1]), nodes: [:])
        #expect(try revision.conditions[0]?.evaluate(scope).get() == true)
    }

    @Test(arguments: [
        (#"{"kind": "set", "config": {"values": {"a": "{{ + }}"}}}"#, "/nodes/0/config/values/a"),
        (#"{"kind": "set", "config": {"value": {}}}"#, "/nodes/0/config/value"),
        (#"{"kind": "lua", "config": {"code": "return"  , "expression": "1"}}"#, "/nodes/0/config"),
        (#"{"kind": "lua", "config": {"code": "return +"}}"#, "/nodes/0/config/code"),
        (#"{"kind": "delay", "config": {"duration_ms": 1}}"#, "/nodes/0/kind"),
    ])
    func `what is wrong with a node is named by its place`(node: String, pointer: String) throws {
        let document = #"{"id": "g", "nodes": [{"id": "a", "# + node.dropFirst() + "]}"
        let faults = try #require(throws: GraphFaults.self) { try parse(document) }
        #expect(faults.faults.map(\.pointer).contains(pointer))
    }

    @Test func `a condition that does not compile is named by its place`() throws {
        let document = #"""
            {"id": "g", "nodes": [{"id": "a", "kind": "set", "config": {"values": {}}},
                                  {"id": "b", "kind": "set", "config": {"values": {}}}],
             "edges": [{"from": "a", "to": "b", "when": "state.x >"}]}
            """#
        let faults = try #require(throws: GraphFaults.self) { try parse(document) }
        #expect(faults.faults.map(\.pointer) == ["/edges/0/when"])
    }

    @Test(
        arguments: [(nil, ["set", "lua"]), (["*"], ["set", "lua"]), (["lua"], ["lua"]), ([], [])]
            as [([String]?, [String])])
    func `only enabled kinds are known`(enabled: [String]?, names: [String]) {
        let kinds = NodeKinds([SetKind(), LuaKind(limits: .node)], enabled: enabled)
        #expect(kinds.kindNames == names)
        #expect((kinds.schema(ofKind: "set") != nil) == names.contains("set"))
    }

    @Test func `each kind is described`() throws {
        let live = LiveReactor.shared
        let python = try PythonBench().workers
        let kinds = NodeKinds.standard(NodeSettings(clock: live.clock, launcher: live.launcher, python: python))
        let descriptions = try #require(kinds.kindDescriptions.array)
        #expect(descriptions.map { $0["name"]?.string } == kinds.kindNames)
        for description in descriptions {
            #expect(description["title"]?.string?.isEmpty == false)
            #expect(description["description"]?.string?.isEmpty == false)
            let schema = try #require(description["config_schema"])
            #expect(throws: Never.self) { try ConfigSchema(schema) }
            for (key, property) in try #require(schema["properties"]?.object) {
                #expect(property["title"] != nil && property["description"] != nil, "\(key)")
            }
        }
    }
}
