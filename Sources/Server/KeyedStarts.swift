// A start under an Idempotency-Key: the key is stored in the transaction that stores the execution, so that both are there
// after any crash or neither is. Between the request and that transaction the key is claimed here, and whoever comes with it
// meanwhile is told to come again.

import Auth
import Digest
import Executions
import HTTP
import Reactor

/// Keys of starts that are being made. Lives on the reactor's thread.
final class KeyedStarts {
    private static let keyBytesMax = 255
    private var claims: [StartKey: Claim] = [:]

    /// A start that is being made: nothing yet, then an execution that is not stored yet.
    private struct Claim {
        var log: EventLog?
        var isOver: Bool { log.map { $0.visibleSeq >= 0 } ?? false }
    }

    /// What a key is for.
    private enum Finding: Sendable {
        case new(digest: [UInt8])
        case known(ExecutionID)
    }

    /// Goes on with the execution that the request's key has started before, or with one that `start` makes now.
    /// - Parameter start: hands each new log to `prepare` before anything happens to it.
    func begin(
        _ call: Call, _ key: StartKey,
        start: @escaping (Call, _ prepare: (EventLog) -> Void) throws(Problem) -> EventLog,
        next: @escaping @Sendable (Call, EventLog, _ isNew: Bool) throws(Problem) -> Void
    ) throws(Problem) {
        guard claims[key]?.isOver ?? true else {
            throw Problem(
                409, "start_in_progress", "An execution is being started under this Idempotency-Key; try again.",
                headers: ["Retry-After": "1"])
        }
        claims[key] = Claim()
        let (store, reactor, body) = (call.server.store, call.server.reactor, call.request.body)
        let now = call.server.service.environment.clock.wallMicroseconds
        let confined = Confined((self, call, start), to: reactor)
        let mailbox = reactor.mailbox
        // A digest of megabytes takes its time.
        let lanes = call.server.lanes
        let lane = body.count > Lanes.largeBytes ? lanes.computing : lanes.store
        lane.submit(of: call.jobOwner) {
            let finding = Result { () throws(Problem) in try Self.find(key, body: body, in: store, at: now) }
            mailbox.post { reactor in
                let (starts, call, start) = confined.open(on: reactor)
                do throws(Problem) {
                    try starts.go(on: call, key, finding, start, next)
                } catch {
                    call.respond(error.response)
                }
            }
        }
    }

    private func go(
        on call: Call, _ key: StartKey, _ finding: Result<Finding, Problem>,
        _ start: (Call, _ prepare: (EventLog) -> Void) throws(Problem) -> EventLog,
        _ next: @escaping @Sendable (Call, EventLog, _ isNew: Bool) throws(Problem) -> Void
    ) throws(Problem) {
        switch finding {
        case .failure(let problem):
            claims[key] = nil
            throw problem
        case .success(.known(let id)):
            claims[key] = nil
            try ExecutionRoutes.withLogs([id], call) { (call, logs) throws(Problem) in try next(call, logs[0], false) }
        case .success(.new(let digest)):
            // Whoever has gone would not learn what was started.
            guard call.isCurrent else { return claims[key] = nil }
            let log: EventLog
            do throws(Problem) {
                log = try start(call) { log in log.note(KeyedStart(key: key, digest: digest, of: log)) }
            } catch {
                claims[key] = nil
                throw error
            }
            claims[key] = Claim(log: log)
            call.server.hub.whenStored(log.change, of: log) { [self] in
                // By then somebody else may have it.
                if claims[key]?.log === log { claims[key] = nil }
            }
            try next(call, log, true)
        }
    }

    private static func find(
        _ key: StartKey, body: [UInt8], in store: any ExecutionStore, at now: Int64
    ) throws(Problem) -> Finding {
        let digest = SHA256.digest(body)
        let known = try ExecutionRoutes.read { () throws(StoreError) in try store.start(under: key) }
        guard let known, now - known.createdAtMicroseconds < KeyedStart.lifetimeMicroseconds else {
            return .new(digest: digest)
        }
        guard known.digest == digest else {
            throw Problem(
                422, "idempotency_key_reused",
                "This Idempotency-Key has started execution \(known.executionID) with another body; use a new key.")
        }
        let id = known.executionID
        guard try ExecutionRoutes.read({ () throws(StoreError) in try store.execution(id) }) != nil else {
            throw Problem(
                410, "execution_deleted", "Execution \(id), which this Idempotency-Key has started, was deleted.")
        }
        return .known(id)
    }

    /// The key of a request, if it has one; keys of others, and on other paths, are others.
    static func key(of call: Call) throws(Problem) -> StartKey? {
        let values = call.request.headers.values(of: "idempotency-key")
        guard let key = values.first else { return nil }
        guard values.count == 1, 1...keyBytesMax ~= key.utf8.count, key.utf8.allSatisfy({ 0x21...0x7E ~= $0 }) else {
            throw Problem(
                400, "invalid_idempotency_key",
                "Idempotency-Key must be one value of 1 to \(keyBytesMax) visible ASCII characters.")
        }
        return StartKey(scope: "\(call.access.tokenID ?? "") /\(call.request.path.joined(separator: "/"))", key: key)
    }
}

extension KeyedStart {
    fileprivate init(key: StartKey, digest: [UInt8], of log: EventLog) {
        self.init(
            key: key, digest: digest, executionID: log.id,
            createdAtMicroseconds: log.summary.createdAtMicroseconds)
    }
}

@available(*, unavailable)
extension KeyedStarts: Sendable {}
