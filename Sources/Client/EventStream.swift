// An execution's events, read on demand: each `next` waits at most as long as it is told, so that the caller can do other
// things on the same thread. A connection that breaks is a matter of this type: it waits as long as the server has asked
// for, opens the stream anew after the last event that it has, and hands on no event twice. A stream that a POST has
// opened is resumed by GET, so nothing is ever started twice.

import HTTP
import JSON
import Linux

/// How much of the states a stream carries (`?state=`).
package enum StreamDetail: String, Sendable, CaseIterable {
    case full, update, none
}

package final class EventStream {
    package struct Event: Sendable, Equatable {
        /// Nil for a `gap`.
        package let seq: UInt64?
        package let type: String
        /// The whole event, as it came.
        package let json: JSONText
    }

    package enum Step: Sendable, Equatable {
        case event(Event)
        /// Nothing in that time, or an interruption.
        case idle
        /// The terminal event was handed on before.
        case end
    }

    /// How often in a row a broken stream is opened anew before it is given up. The waits double up to
    /// `waitMillisecondsMax`: about two minutes with the usual `retry:`, which a restart of the daemon takes easily.
    package static let attemptsMax = 8
    /// The longest wait that a server can ask for.
    static let waitMillisecondsMax = 30_000
    /// What a server says nothing else about.
    static let retryMillisecondsDefault: UInt64 = 2_000
    /// The server sends a keep-alive each 15 s unless it is configured to do so less often, once an hour at most.
    static let silenceMillisecondsMax = 3_700_000
    /// An event is an object that holds states of the depth that JSON may have.
    private static let limits = JSONLimits(
        bytesMax: SSEParser.eventBytesMaxDefault, depthMax: JSONLimits.depthMaxDefault + 8)

    private enum Link {
        /// The request is sent; the head has not come yet.
        case opening(deadlineNanoseconds: Int64)
        case open
        case broken(reason: ClientError, retryAtNanoseconds: Int64)
        case ended
    }

    private let client: APIClient
    private let detail: StreamDetail
    private let eventBytesMax: Int
    /// Where GET resumes it. Nil until a POST has been told.
    private var resumePath: String?
    /// Where the server tells it before the first event.
    package private(set) var executionID: String?
    private var link: Link
    /// There while the link is opening or open.
    private var exchange: Exchange?
    private var parser: SSEParser
    private var items: [SSEParser.Item] = []
    private var nextItem = 0
    private var lastSeq: UInt64
    private var retryMilliseconds = EventStream.retryMillisecondsDefault
    private var silenceDeadline: Int64 = 0
    /// How often in a row it was opened anew in vain since it broke; 0 while it flows.
    package private(set) var attempts = 0

    /// Opens the stream and waits for the head.
    init(
        _ client: APIClient, _ request: ClientRequest, resumePath: String?, after: UInt64, detail: StreamDetail,
        eventBytesMax: Int = SSEParser.eventBytesMaxDefault
    ) throws(ClientError) {
        self.client = client
        self.detail = detail
        self.eventBytesMax = eventBytesMax
        self.resumePath = resumePath
        parser = SSEParser(eventBytesMax: eventBytesMax)
        lastSeq = after
        link = .ended
        let deadline = Poll.deadline(inMilliseconds: client.timeoutMilliseconds)
        var exchange = try client.open(request, target: request.target)
        let head = try client.head(&exchange, of: request, deadline)
        self.exchange = consume exchange
        if resumePath == nil { try takeLocations(head.headers) }
        try take(head, deadline)
    }

    /// The next event, if it comes in that time.
    package func next(timeoutMilliseconds: Int) throws(ClientError) -> Step {
        let deadline = Poll.deadline(inMilliseconds: timeoutMilliseconds)
        while true {
            if let event = try takeItem() { return .event(event) }
            do throws(ClientError) {
                if let step = try advance(deadline) { return step }
            } catch {
                guard error == .interrupted else { throw error }
                return .idle
            }
        }
    }

    /// Moves the link on; nil: look again for events.
    private func advance(_ deadline: Int64) throws(ClientError) -> Step? {
        switch link {
        case .ended: return .end
        case .broken(_, let retryAt):
            let until = min(retryAt, deadline)
            let outcome = Poll.wait(nil, deadlineNanoseconds: until, interrupt: client.interruptDescriptor)
            guard outcome == .timedOut, retryAt <= SystemClock.monotonicNanoseconds() else { return .idle }
            return try orBreak { () throws(ClientError) in try reopen() }
        case .opening(let headDeadline):
            return try orBreak { () throws(ClientError) in try awaitHead(deadline, headDeadline) }
        case .open:
            return try orBreak { () throws(ClientError) in try read(deadline) }
        }
    }

    /// Runs a step on the connection. What a new connection can mend breaks the link, all else ends it.
    private func orBreak(_ step: () throws(ClientError) -> Step?) throws(ClientError) -> Step? {
        do throws(ClientError) {
            return try step()
        } catch {
            switch error {
            case .interrupted: throw error
            case .connectionLost, .unreachable, .timedOut: try breakLink(error)
            case .refused(let problem) where [429, 502, 503, 504].contains(problem.status.code): try breakLink(error)
            case .refused, .untrusted, .elsewhere, .malformed, .tooLarge:
                end()
                throw error
            }
            return nil
        }
    }

    private func end() {
        exchange = nil
        link = .ended
    }

    private func breakLink(_ reason: ClientError) throws(ClientError) {
        exchange = nil
        // An event that was cut off comes again as a whole.
        parser = SSEParser(eventBytesMax: eventBytesMax)
        guard resumePath != nil, attempts < Self.attemptsMax else {
            link = .ended
            throw reason
        }
        let doubled = retryMilliseconds.multipliedReportingOverflow(by: 1 << UInt64(attempts))
        let wait = min(doubled.overflow ? .max : doubled.partialValue, UInt64(Self.waitMillisecondsMax))
        link = .broken(reason: reason, retryAtNanoseconds: Poll.deadline(inMilliseconds: Int(wait)))
        attempts += 1
    }
}

// MARK: - Opening

extension EventStream {
    private func reopen() throws(ClientError) -> Step? {
        guard let resumePath else { preconditionFailure("only a stream with a place to resume at is opened anew") }
        let request = ClientRequest(.get, [], headers: Self.headers(after: lastSeq))
        let target = "\(resumePath)?state=\(detail.rawValue)"
        exchange = try client.open(request, target: target)
        link = .opening(deadlineNanoseconds: Poll.deadline(inMilliseconds: client.timeoutMilliseconds))
        return nil
    }

    private func awaitHead(_ deadline: Int64, _ headDeadline: Int64) throws(ClientError) -> Step? {
        switch try exchange!.next(deadlineNanoseconds: min(deadline, headDeadline)) {
        case .head(let head):
            try take(head, headDeadline)
            return nil
        case .timedOut:
            guard headDeadline > SystemClock.monotonicNanoseconds() else {
                throw .timedOut(milliseconds: client.timeoutMilliseconds)
            }
            return .idle
        case .body, .end: preconditionFailure("a response begins with its head")
        }
    }

    /// Judges by the head what will follow: events, nothing (204: the terminal event was seen before), or a problem.
    private func take(_ head: ResponseParser.Head, _ deadline: Int64) throws(ClientError) {
        if head.status == 204 { return end() }
        guard head.status == 200 else {
            let response = try client.read(&exchange!, head, deadline)
            if let problem = response.problem { throw .refused(problem) }
            throw .malformed("a stream was asked for, and it answers \(head.status.code)")
        }
        let type = head.headers["content-type"].flatMap { MediaType($0) }
        guard type?.essence == MediaType.eventStream.essence else { throw .malformed("it is no event stream") }
        link = .open
        extendSilence()
    }

    /// Where a stream that a POST has opened goes on: at the execution that the location names. Its path may be one of the
    /// daemon's own, or begin with what a proxy has before those, so only the id counts.
    private func takeLocations(_ headers: HeaderFields) throws(ClientError) {
        guard let location = headers["location"] else { return }
        guard let id = Self.executionID(at: location) else {
            throw .malformed("it tells no path to resume the stream at")
        }
        executionID = id
        resumePath = ClientRequest(.get, ["api", "executions", id, "events"]).pathText
    }

    private static func executionID(at location: String) -> String? {
        guard location.utf8.count <= 1024 else { return nil }
        let match = location.wholeMatch(of: /(?:\/[A-Za-z0-9_~.-]+)*\/api\/executions\/([A-Za-z0-9_~-]+)\/events/)
        return match.map { String($0.1) }
    }

    static func headers(after seq: UInt64) -> HeaderFields {
        var headers: HeaderFields = ["Accept": "text/event-stream"]
        if seq > 0 { headers.add("Last-Event-ID", String(seq)) }
        return headers
    }
}

// MARK: - Reading

extension EventStream {
    private func read(_ deadline: Int64) throws(ClientError) -> Step? {
        switch try exchange!.next(deadlineNanoseconds: min(deadline, silenceDeadline)) {
        case .body(let range):
            extendSilence()
            let result = exchange!.withBody(range) { bytes in
                Result { () throws(SSEParser.EventTooLarge) in try parser.consume(bytes) { items.append($0) } }
            }
            if case .failure(let error) = result { throw .tooLarge("an event", bytesMax: error.bytesMax) }
            return nil
        case .end: throw .connectionLost("the daemon ended the stream before the execution ended")
        case .timedOut:
            guard silenceDeadline > SystemClock.monotonicNanoseconds() else {
                throw .connectionLost("not even a keep-alive came")
            }
            return .idle
        case .head: preconditionFailure("a response has one head")
        }
    }

    private func extendSilence() {
        silenceDeadline = Poll.deadline(inMilliseconds: Self.silenceMillisecondsMax)
    }

    /// The next event among what was read already, if it is new.
    private func takeItem() throws(ClientError) -> Event? {
        while nextItem < items.count {
            let item = items[nextItem]
            nextItem += 1
            switch item {
            case .retry(let milliseconds): retryMilliseconds = milliseconds
            case .comment: attempts = 0
            case .event(let raw):
                attempts = 0
                if let event = try event(raw) { return event }
            }
        }
        items.removeAll(keepingCapacity: true)
        nextItem = 0
        return nil
    }

    private func event(_ raw: SSEParser.Event) throws(ClientError) -> Event? {
        let json: JSONText
        do {
            json = try JSONText(parsing: raw.data, limits: Self.limits)
        } catch {
            throw .malformed("an event is no JSON: \(error.message)")
        }
        guard let type = json["type"]?.string else { throw .malformed("an event has no type") }
        // A gap has no id of its own, and the parser repeats the last one.
        guard type != "gap" else { return Event(seq: nil, type: type, json: json) }
        guard let seq = LastEventID.sequence(raw.id) else { throw .malformed("an event has no number") }
        guard seq > lastSeq else { return nil }
        lastSeq = seq
        if type == "complete" || type == "error" { end() }
        return Event(seq: seq, type: type, json: json)
    }
}
