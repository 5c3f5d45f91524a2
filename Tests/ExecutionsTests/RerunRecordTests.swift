import Executions
import JSON
import Testing

/// What is kept of a rerun says again what it was.
@Suite struct RerunRecordTests {
    @Test(arguments: [
        RerunRecord(.failed, editedKeys: []), RerunRecord(.nodes(["failed"]), editedKeys: []),
        RerunRecord(.nodes(["a", "b"]), editedKeys: ["x", "a\nb", "\"", "é", ""]),
    ])
    func `a record is read as it was written`(record: RerunRecord) {
        #expect(RerunRecord(text: record.text) == record)
    }

    @Test func `a record without edits is what it was before there were any`() {
        #expect(RerunRecord(.nodes(["a", "b"]), editedKeys: []).text == "a,b")
        #expect(RerunRecord(text: "a,b") == RerunRecord(.nodes(["a", "b"]), editedKeys: []))
    }

    @Test func `an edit that changes nothing still wins over what an ancestor wrote`() throws {
        let graph = try revision(
            "nodes: [{id: a, kind: test}, {id: b, kind: test}]\nedges: [{from: a, to: b}]"
        ).graph
        var first = MachineDriver(
            try revision("nodes: [{id: a, kind: test}, {id: b, kind: test}]\nedges: [{from: a, to: b}]"))
        first.step(.begin(initialState: ["mode": "x"]))
        first.succeed("a", ["mode": "y"])
        first.succeed("b")
        var results = ExecutionResults(of: graph)
        for record in first.records { results.take(record) }
        let plan = RerunPlan(results, on: graph, from: .nodes(["b"]), edits: ["mode": "x"])
        #expect(plan.takeover.results[0]?.update == [:])
        #expect(plan.record == RerunRecord(.nodes(["b"]), editedKeys: ["mode"]))
    }
}
