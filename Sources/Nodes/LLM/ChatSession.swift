import Executions
import Graphs
import HTTPClient
import JSON
import Secrets

/// Questions to one model.
struct ChatSession {
    private let model: LLMConfig.Model
    private let provider: LLMProvider
    private let secret: Secret?
    private let body: LLMBody
    private let call: NodeCall

    init(_ model: LLMConfig.Model, _ provider: LLMProvider, _ secret: Secret?, _ body: LLMBody, _ call: NodeCall) {
        self.model = model
        self.provider = provider
        self.secret = secret
        self.body = body
        self.call = call
    }

    /// What the model says to the messages, in words or by a schema.
    func answer(_ messages: [JSONText], _ format: JSONText?) async throws(NodeFailure) -> ChatReceiver.Answer {
        let question = question(messages, format)
        let words = PacedOutput(call.output, channel: "chunk", form: .text, clock: body.clock, hiding: secret)
        let receiver = ChatReceiver(
            words, bytesMax: body.settings.bodyBytesMax, keepsRecord: provider.replay != nil, clock: body.clock)
        guard let path = provider.replay else { return hidden(await ask(question, receiver)) }
        let file = ReplayFile(path: path, lane: body.settings.lane)
        if let known = try await file.answer(to: question) { return hidden(receiver.play(known)) }
        guard !provider.baseURL.isEmpty else {
            throw NodeFailure(
                "\(path) knows no answer to this question, and the provider \(model.provider) has no base_url")
        }
        let answer = await ask(question, receiver)
        if answer.failure == nil { try await file.add(answer.record, to: question) }
        return hidden(answer)
    }

    private func ask(_ question: JSONText, _ receiver: ChatReceiver) async -> ChatReceiver.Answer {
        let base = provider.baseURL.hasSuffix("/") ? String(provider.baseURL.dropLast()) : provider.baseURL
        var request = OutgoingRequest(method: "POST", url: base + "/chat/completions", body: question.bytes)
        request.fields = [("Content-Type", "application/json"), ("Accept", "text/event-stream, application/json")]
        if let secret { request.fields.append(("Authorization", "Bearer \(secret.revealed)")) }
        request.isOperators = true
        return await receiver.answer(
            to: request, by: body.settings.client, idleTimeoutMilliseconds: call.idleTimeoutMilliseconds)
    }

    private func question(_ messages: [JSONText], _ format: JSONText?) -> JSONText {
        var question: JSONObject = [
            "model": JSONText(model.name), "messages": JSONText(array: messages), "stream": true,
            "stream_options": ["include_usage": true],
        ]
        if let temperature = body.config.temperature { question["temperature"] = temperature }
        if let maxTokens = body.config.maxTokens { question["max_tokens"] = JSONText(maxTokens) }
        if let format {
            question["response_format"] = ["type": "json_schema", "json_schema": ["name": "answer", "schema": format]]
        }
        return JSONText(question)
    }

    /// A provider may say back what it was asked with.
    private func hidden(_ answer: ChatReceiver.Answer) -> ChatReceiver.Answer {
        guard let secret else { return answer }
        var answer = answer
        answer.reply.text = secret.masked(in: answer.reply.text)
        if let failure = answer.failure {
            let details = JSONText(failure.details).description
            let masked = (try? JSONObject(parsing: Array(secret.masked(in: details).utf8))) ?? [:]
            answer.failure = NodeFailure(secret.masked(in: failure.message), details: masked)
            answer.failure?.retryAfterMilliseconds = failure.retryAfterMilliseconds
        }
        return answer
    }
}

// MARK: - Answers that fit a schema

extension ChatSession {
    struct Misfit: Error {
        let message: String
    }

    /// What a model is told that knows no schemas.
    static func instruction(_ schema: JSONText) -> JSONText {
        let text = "Answer with one JSON value that fits this JSON Schema, and with nothing else: \(schema)"
        return ["role": "system", "content": JSONText(text)]
    }

    static func correction(of answer: String, _ fault: Misfit) -> [JSONText] {
        let text = "That does not fit: \(fault.message). Answer again, with the corrected JSON value and nothing else."
        return [
            ["role": "assistant", "content": JSONText(answer)], ["role": "user", "content": JSONText(text)],
        ]
    }

    /// The value that an answer is, which models like to put between fences.
    static func value(of answer: String, _ schema: JSONSchema) -> Result<JSONText, Misfit> {
        let value: JSONText
        do {
            value = try JSONText(parsing: unfenced(answer))
        } catch {
            return .failure(Misfit(message: "it is no JSON: \(error.message)"))
        }
        let faults = schema.faults(in: value)
        guard !faults.isEmpty else { return .success(value) }
        let words = faults.prefix(8).map { "\($0.pointer.isEmpty ? "the value" : $0.pointer) \($0.message)" }
        return .failure(Misfit(message: words.joined(separator: "; ")))
    }

    private static func unfenced(_ answer: String) -> String {
        var lines = answer.split(separator: "\n", omittingEmptySubsequences: false)
        guard let first = lines.firstIndex(where: { $0.hasPrefix("```") }),
            let last = lines.lastIndex(where: { $0.hasPrefix("```") }), last > first
        else { return answer }
        lines = Array(lines[(first + 1)..<last])
        return lines.joined(separator: "\n")
    }
}
