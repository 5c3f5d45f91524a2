import Client
import HTTP
import JSON

/// What a wait for the next event of an execution brought.
enum EventStep {
    /// One event, as the contract describes it.
    case event(JSONText)
    /// Nothing in that time, or an interruption.
    case idle
    /// The last event was handed on before.
    case end
}

/// An execution that is followed: one of a daemon, or one in this process.
protocol EventSource: AnyObject {
    /// The next event, if it comes in that time and no signal comes before.
    func next(timeoutMilliseconds: Int) throws -> EventStep

    /// Asks for the execution's end; its last events still come. One that has ended already is no error.
    func cancel() throws

    /// What a watcher should know of the source itself, such as a connection that broke; nil when all is well.
    var notice: String? { get }
}

/// An execution of a daemon.
final class DaemonEvents: EventSource {
    private let client: APIClient
    private let stream: EventStream
    /// Known from the start, or from the reply or the first event.
    private var executionID: String?

    init(_ stream: EventStream, of executionID: String?, client: APIClient) {
        self.stream = stream
        self.client = client
        self.executionID = executionID ?? stream.executionID
    }

    func next(timeoutMilliseconds: Int) throws -> EventStep {
        switch try stream.next(timeoutMilliseconds: timeoutMilliseconds) {
        case .event(let event):
            if executionID == nil { executionID = event.json["execution_id"]?.string }
            return .event(event.json)
        case .idle: return .idle
        case .end: return .end
        }
    }

    func cancel() throws {
        guard let executionID else { throw CommandFailure("the daemon has not said yet which execution this is") }
        do throws(ClientError) {
            _ = try client.cancel(executionID)
        } catch {
            // One that has ended cannot be cancelled; its last event is on the way.
            guard case .refused(let problem) = error, problem.status == 409 else { throw error }
        }
    }

    var notice: String? {
        guard stream.attempts > 0 else { return nil }
        return "the connection broke; attempt \(stream.attempts) of \(EventStream.attemptsMax) to resume"
    }
}
