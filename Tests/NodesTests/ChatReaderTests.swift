import JSON
import Testing

@testable import Nodes

@Suite struct ChatReaderTests {
    private static let stream = """
        : hello

        data: {"model":"m-1","choices":[{"delta":{"role":"assistant","content":""}}]}

        data: {"choices":[{"delta":{"content":"größ"}}]}

        data: {"choices":[{"delta":{"content":"er"},"finish_reason":"stop"}]}

        data: {"choices":[],"usage":{"total_tokens":9}}

        data: [DONE]


        """

    @Test func `a stream reads alike however it is cut`() throws {
        let bytes = Array(Self.stream.utf8)
        for cut in 0...bytes.count {
            var reader = ChatReader(bytesMax: 1 << 20)
            reader.begin(isStream: true)
            var text = try bytes[..<cut].withUnsafeBytes { try reader.take($0) }
            text += try bytes[cut...].withUnsafeBytes { try reader.take($0) }
            text += try reader.end()
            #expect(text == "größer" && reader.reply.text == text)
            #expect(reader.reply.model == "m-1" && reader.reply.totalTokens == 9 && reader.isDone)
            #expect(reader.reply.finishReason == "stop")
        }
    }

    @Test(arguments: [
        "data: {\"choices\":[{\"delta\":{\"content\":\"a\"}}]}\n\n", "data: {\"error\":{\"message\":\"boom\"}}\n\n",
        "data: no json\n\n", "",
    ])
    func `what is not said to its end is no answer`(text: String) {
        var reader = ChatReader(bytesMax: 1 << 20)
        reader.begin(isStream: true)
        #expect(throws: ChatReader.Fault.self) {
            _ = try Array(text.utf8).withUnsafeBytes { try reader.take($0) }
            _ = try reader.end()
        }
    }

    @Test(arguments: [true, false])
    func `the limit of bytes is kept`(isStream: Bool) {
        var reader = ChatReader(bytesMax: 1000)
        reader.begin(isStream: isStream)
        let piece = Array(
            "data: {\"choices\":[{\"delta\":{\"content\":\"\(String(repeating: "x", count: 100))\"}}]}\n\n".utf8)
        #expect(throws: ChatReader.Fault.self) {
            for _ in 0..<20 { _ = try piece.withUnsafeBytes { try reader.take($0) } }
        }
    }
}
