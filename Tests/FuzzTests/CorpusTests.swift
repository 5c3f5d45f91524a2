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
}
