import Executions
import Testing

@Suite struct TraceParentTests {
    private static let trace = "0af7651916cd43dd8448eb211c80319c"
    private static let good = "00-\(trace)-b7ad6b7169203331-01"

    @Test(arguments: [
        (
            "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01",
            "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"
        ),
        (
            "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-fe",
            "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-fe"
        ),
        (
            "01-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-09",
            "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"
        ),
        (
            "cc-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-08-more",
            "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-00"
        ),
    ]) func `what is well-formed is taken`(text: String, expected: String) {
        #expect(TraceParent(text)?.description == expected)
    }

    @Test(arguments: [
        "", "00", good + "-", good + "-more", good + "0", String(good.dropLast()), "ff" + good.dropFirst(2),
        good.uppercased(), "00-\(String(repeating: "0", count: 32))-b7ad6b7169203331-01",
        "00-\(trace)-0000000000000000-01",
        "00_\(trace)-b7ad6b7169203331-01", "0g" + good.dropFirst(2), "01" + good.dropFirst(2) + ".", " " + good,
        good + "\n",
        "00-\(trace)-b7ad6b716920333ü-1",
    ]) func `what is malformed is not`(text: String) {
        #expect(TraceParent(text) == nil)
    }

    @Test func `a child belongs to the same trace, with a span of its own`() throws {
        let parent = try #require(TraceParent(Self.good))
        let children = (0..<100).map { _ in parent.child().description }
        #expect(Set(children).count == 100)
        for child in children {
            #expect(TraceParent(child) != nil)
            #expect(child.hasPrefix("00-\(Self.trace)-") && child.hasSuffix("-01") && child != Self.good)
        }
    }
}
