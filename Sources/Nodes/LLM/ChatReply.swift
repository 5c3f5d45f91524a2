import Executions
import HTTP
import HTTPClient
import JSON
import Synchronization

/// What a model has said.
struct ChatReply: Sendable {
    var text = ""
    /// As the provider counts it; nil where it does not.
    var usage: JSONText?
    var model: String?
    var firstTokenMilliseconds: Double?
    var finishReason: String?

    /// Tokens in all; where nobody counts, one for each four bytes of the answer, which is what they come to in English.
    var totalTokens: Int { usage?["total_tokens"]?.int ?? (text.utf8.count + 3) / 4 }
}

/// Reads the answer of a provider, in pieces (`stream: true`) or at once, from whatever bytes come.
struct ChatReader {
    private(set) var reply = ChatReply()
    /// Whether the provider has said that this is all.
    private(set) var isDone = false
    private var events: SSEParser
    private var whole: [UInt8] = []
    private var isStream: Bool?
    private let bytesMax: Int

    /// Why an answer is none.
    struct Fault: Error {
        let message: String
    }

    init(bytesMax: Int) {
        self.bytesMax = bytesMax
        events = SSEParser(eventBytesMax: bytesMax)
    }

    mutating func begin(isStream: Bool) { self.isStream = isStream }

    /// - Returns: the text that is new.
    mutating func take(_ bytes: UnsafeRawBufferPointer) throws(Fault) -> String {
        guard isStream == true else {
            guard whole.count + bytes.count <= bytesMax else { throw tooLong }
            whole.append(contentsOf: bytes)
            return ""
        }
        var pieces: [[UInt8]] = []
        do {
            try events.consume(bytes) { if case .event(let event) = $0 { pieces.append(event.data) } }
        } catch {
            throw tooLong
        }
        var text = ""
        for piece in pieces { text += try take(event: piece) }
        reply.text += text
        guard reply.text.utf8.count <= bytesMax else { throw tooLong }
        return text
    }

    private var tooLong: Fault { Fault(message: "the answer is longer than \(bytesMax) bytes") }

    private mutating func take(event: [UInt8]) throws(Fault) -> String {
        if event.elementsEqual("[DONE]".utf8) {
            isDone = true
            return ""
        }
        let chunk = try parse(event)
        try note(chunk)
        guard let choice = chunk["choices"]?.array?.first else { return "" }
        return choice["delta"]?["content"]?.string ?? ""
    }

    private mutating func note(_ part: JSONText) throws(Fault) {
        if let error = part["error"], !error.isNull {
            throw Fault(message: error["message"]?.string ?? error.description)
        }
        if let usage = part["usage"], usage.kind == .object { reply.usage = usage }
        if let model = part["model"]?.string { reply.model = model }
        if let reason = part["choices"]?.array?.first?["finish_reason"]?.string {
            reply.finishReason = reason
            isDone = true
        }
    }

    private func parse(_ bytes: [UInt8]) throws(Fault) -> JSONText {
        do {
            return try JSONText(parsing: bytes)
        } catch {
            throw Fault(message: "the provider says what is no JSON: \(error.message)")
        }
    }

    mutating func noteFirstToken(milliseconds: Double) {
        if reply.firstTokenMilliseconds == nil { reply.firstTokenMilliseconds = milliseconds }
    }

    /// Nothing more comes.
    /// - Returns: the text that is new.
    mutating func end() throws(Fault) -> String {
        if isStream != true {
            let answer = try parse(whole)
            try note(answer)
            guard let message = answer["choices"]?.array?.first?["message"] else {
                throw Fault(message: "the provider's answer holds no message")
            }
            reply.text = message["content"]?.string ?? ""
            isDone = true
            return reply.text
        }
        guard isDone else { throw Fault(message: "the stream broke off") }
        return ""
    }
}
