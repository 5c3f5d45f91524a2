import Executions
import HTTPClient
import Secrets

/// A service that speaks OpenAI's protocol of chat completions, or a file that plays one.
package struct LLMProvider: Sendable, Equatable {
    /// Such as `https://api.openai.com/v1`.
    package let baseURL: String
    /// The name of the secret that it is asked with; nil: none is needed.
    package let secret: String?
    /// A file of recorded traffic: what it knows is played, and all else is asked for and recorded, where there is a `baseURL`.
    package let replay: String?

    package init(baseURL: String, secret: String? = nil, replay: String? = nil) {
        self.baseURL = baseURL
        self.secret = secret
        self.replay = replay
    }
}

/// What llm nodes need of the daemon.
package struct LLMNodeSettings: Sendable {
    package let providers: [String: LLMProvider]
    package let client: HTTPClient
    package let secrets: SecretStore
    /// Of an answer, and of one event of its stream.
    package let bodyBytesMax: Int
    /// Where files are read and written.
    package let lane: BlockingLane

    package init(
        providers: [String: LLMProvider], client: HTTPClient, secrets: SecretStore, bodyBytesMax: Int,
        lane: BlockingLane
    ) {
        self.providers = providers
        self.client = client
        self.secrets = secrets
        self.bodyBytesMax = bodyBytesMax
        self.lane = lane
    }
}

extension BlockingLane {
    /// What comes of work that blocks.
    func run<Value: Sendable>(
        of owner: String, _ work: @escaping @Sendable () throws(NodeFailure) -> Value
    ) async throws(NodeFailure) -> Value {
        let result = await withCheckedContinuation { continuation in
            let isTaken = offer(of: owner) {
                continuation.resume(returning: Result { () throws(NodeFailure) in try work() })
            }
            if !isTaken { continuation.resume(returning: .failure(NodeFailure("too much waits for the disk"))) }
        }
        return try result.get()
    }
}
