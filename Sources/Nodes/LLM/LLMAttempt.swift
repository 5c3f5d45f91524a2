import Executions
import HTTPClient
import JSON
import Secrets

/// One attempt of an llm node: the models in turn, until one has answered as it should.
struct LLMAttempt {
    private let body: LLMBody
    private let call: NodeCall
    /// Of all that were asked so far.
    private var usage = ChatUsage()

    init(_ body: LLMBody, _ call: NodeCall) {
        self.body = body
        self.call = call
    }

    private var config: LLMConfig { body.config }

    mutating func run() async throws(NodeFailure) -> NodeOutcome {
        if let spent = call.tokens?.refusal { throw spent }
        let messages = try await config.messages(over: call)
        if call.attempt > 1 { tellReplaced(attempt: call.attempt - 1, words: nil) }
        var failures: [NodeFailure] = []
        for model in config.models {
            guard !Task.isCancelled else { throw .cancelled }
            do throws(NodeFailure) {
                return try await ask(model, messages)
            } catch {
                if call.tokens?.refusal != nil { throw error.with(usage) }
                failures.append(error)
            }
        }
        throw failure(failures).with(usage)
    }

    private func failure(_ failures: [NodeFailure]) -> NodeFailure {
        guard failures.count > 1, let last = failures.last else { return failures.first ?? .cancelled }
        let words = zip(config.models, failures).map { "\($0.provider) \($0.name): \($1.message)" }
        var failure = NodeFailure(words.joined(separator: "; "), details: last.details)
        failure.retryAfterMilliseconds = failures.compactMap(\.retryAfterMilliseconds).min()
        return failure
    }

    /// What was said so far is void.
    private func tellReplaced(attempt: Int, words: ChatReceiver.Answer?) {
        var data: JSONObject = ["attempt": JSONText(attempt)]
        if let words { data["text"] = JSONText(words.reply.text.cut(toBytes: Self.replacedBytesMax)) }
        call.output.emit("replaces", JSONText(data))
    }

    /// Of the words that are told to be void.
    private static let replacedBytesMax = 64 << 10

    // MARK: One model

    private mutating func ask(
        _ model: LLMConfig.Model, _ messages: [JSONText]
    ) async throws(NodeFailure) -> NodeOutcome {
        guard let provider = body.settings.providers[model.provider] else {
            let names = body.settings.providers.keys.sorted().joined(separator: ", ")
            throw NodeFailure(
                "there is no provider \(model.provider) in llm.providers of the configuration"
                    + (names.isEmpty ? "" : "; there are \(names)"))
        }
        let session = ChatSession(model, provider, try await secret(provider), body, call)
        guard let schema = config.schema else {
            let reply = try await say(messages, nil, by: session)
            return outcome(JSONText(reply.text), reply, model)
        }
        var conversation = messages
        var reply: ChatReply
        if body.plain.contains(model) {
            conversation.append(ChatSession.instruction(schema.text))
            reply = try await say(conversation, nil, by: session)
        } else {
            do throws(NodeFailure) {
                reply = try await say(conversation, schema.text, by: session)
            } catch {
                // A provider without structured output refuses what it does not know.
                guard [400, 404, 422].contains(error.details["status"]?.int) else { throw error }
                body.plain.insert(model)
                conversation.append(ChatSession.instruction(schema.text))
                reply = try await say(conversation, nil, by: session)
            }
        }
        switch ChatSession.value(of: reply.text, schema.compiled) {
        case .success(let value): return outcome(value, reply, model)
        case .failure(let fault):
            tellReplaced(attempt: call.attempt, words: ChatReceiver.Answer(reply: reply))
            conversation += ChatSession.correction(of: reply.text, fault)
            let format = body.plain.contains(model) ? nil : schema.text
            let second = try await say(conversation, format, by: session)
            switch ChatSession.value(of: second.text, schema.compiled) {
            case .success(let value): return outcome(value, second, model)
            case .failure(let fault):
                throw NodeFailure(
                    "the answer does not fit the schema: \(fault.message)", details: ["answer": JSONText(second.text)])
            }
        }
    }

    private func secret(_ provider: LLMProvider) async throws(NodeFailure) -> Secret? {
        guard let name = provider.secret else { return nil }
        return try await body.settings.lane.run(of: "secrets") {
            [secrets = body.settings.secrets] () throws(NodeFailure) in
            do {
                return try secrets.secret(named: name)
            } catch {
                throw NodeFailure("\(error)")
            }
        }
    }

    private mutating func say(
        _ messages: [JSONText], _ format: JSONText?, by session: ChatSession
    ) async throws(NodeFailure) -> ChatReply {
        let answer = try await session.answer(messages, format)
        usage.add(answer.reply)
        call.tokens?.add(answer.reply.totalTokens)
        if let failure = answer.failure {
            if !answer.reply.text.isEmpty { tellReplaced(attempt: call.attempt, words: answer) }
            throw failure
        }
        if let passed = call.tokens?.excess { throw passed }
        return answer.reply
    }

    private func outcome(_ value: JSONText, _ reply: ChatReply, _ model: LLMConfig.Model) -> NodeOutcome {
        var details: JSONObject = [
            "provider": JSONText(model.provider), "model": JSONText(reply.model ?? model.name), "usage": usage.json,
        ]
        if let first = reply.firstTokenMilliseconds {
            details["first_token_ms"] = JSONText((first * 1000).rounded() / 1000)
        }
        if let reason = reply.finishReason { details["finish_reason"] = JSONText(reason) }
        return .told(update: [config.into: value], details: details)
    }
}

/// What one attempt has used, of all that it asked.
struct ChatUsage: Sendable {
    private static let keys: [JSONKey] = ["prompt_tokens", "completion_tokens", "total_tokens"]

    private var last: JSONObject = [:]
    private var sums: [JSONKey: Int] = [:]
    private(set) var isEmpty = true

    mutating func add(_ reply: ChatReply) {
        if reply.usage == nil, reply.text.isEmpty { return }
        isEmpty = false
        last = reply.usage?.object ?? ["total_tokens": JSONText(reply.totalTokens), "estimated": true]
        for key in Self.keys { if let count = last[key]?.int { sums[key, default: 0] += count } }
    }

    var json: JSONText {
        var json = last
        for (key, sum) in sums { json[key] = JSONText(sum) }
        return JSONText(json)
    }
}

extension NodeFailure {
    /// What was used is counted, also where it came to nothing.
    fileprivate func with(_ usage: ChatUsage) -> NodeFailure {
        guard !usage.isEmpty else { return self }
        var details = details
        details["usage"] = usage.json
        var failure = NodeFailure(message, details: details)
        failure.retryAfterMilliseconds = retryAfterMilliseconds
        return failure
    }
}
