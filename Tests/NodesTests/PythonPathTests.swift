import Testing

@testable import Nodes

@Suite struct PythonPathTests {
    @Test(arguments: [
        "run", "_x1", "größe", "a.b.c", "steps[0].run", "steps[-1]", "graph.nodes['load']",
        "graph.nodes[\"it's\"].execute",
        "d['a\\'b'][0]",
    ])
    func `names, attributes and keys make a path`(text: String) {
        #expect(PythonPath.isPath(text))
    }

    @Test(arguments: [
        "", "1a", ".a", "a.", "a..b", "a[", "a[]", "a[0", "a['x]", "a['x\\']", "a[x]", "a[1.5]", "a[0]b", "f()", "a b",
        "a+b", "a-b",
        "a[0:1]", "a['x\n']",
    ])
    func `anything else is none`(text: String) {
        #expect(!PythonPath.isPath(text))
    }
}
