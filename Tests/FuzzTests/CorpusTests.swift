import Foundation
import FuzzEntries
import Testing

/// What a fuzzer has found stays found: each input of the corpus runs through its entry.
@Suite struct `The corpus of the fuzzer` {
    private static let folder = URL(fileURLWithPath: #filePath).deletingLastPathComponent()
        .appendingPathComponent("../Fuzz/corpus")

    private static func run(_ name: String, _ entry: (UnsafeRawBufferPointer) -> Void) throws {
        let inputs = try FileManager.default.contentsOfDirectory(
            at: folder.appendingPathComponent(name), includingPropertiesForKeys: nil)
        #expect(!inputs.isEmpty)
        for input in inputs { try Data(contentsOf: input).withUnsafeBytes(entry) }
    }

    @Test func `requests`() throws { try Self.run("request", fuzzRequestParser) }
    @Test func `graph documents`() throws { try Self.run("graph", GraphFuzzer().run) }
    @Test func `event streams`() throws { try Self.run("events", fuzzEventStream) }
    @Test func `JSON texts`() throws { try Self.run("json", fuzzJSON) }
    @Test func `Lua programs`() throws { try Self.run("lua", fuzzLua) }

    @Test(arguments: 1...40)
    func `Lua programs of hostile sizes`(seed: UInt64) {
        var state = seed &* 0x9E37_79B9_7F4A_7C15
        let bytes = (0..<40).map { _ -> UInt8 in
            state = state &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
            return UInt8(truncatingIfNeeded: state >> 56)
        }
        bytes.withUnsafeBytes(fuzzLua)
    }
}
