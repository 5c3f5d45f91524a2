import Auth
import Executions
import HTTP
import JSON

/// One stream for a whole dashboard.
enum FeedRoutes {
    private struct Wish: Sendable {
        let id: ExecutionID
        /// The last event that the client has.
        let after: Int
    }

    static func events(_ call: Call) throws(Problem) {
        let view = try EventView(call.request)
        let wishes = try wishes(call.request)
        guard Accept(call.request.headers).preferred(among: [.eventStream]) != nil else {
            throw Problem(406, "not_acceptable", "This stream is to be had as text/event-stream.")
        }
        let graphIDs = try graphIDs(call)
        // What is left from an earlier daemon would be told as if it happened now.
        try call.whenTakenUp { (call) throws(Problem) in
            try ExecutionRoutes.withLogs(wishes.map(\.id), call) { (call, logs) throws(Problem) in
                try open(call, view, graphIDs, Array(zip(wishes, logs)))
            }
        }
    }

    private static func open(
        _ call: Call, _ view: EventView, _ graphIDs: Set<String>, _ wishes: [(wish: Wish, log: EventLog)]
    ) throws(Problem) {
        for (wish, log) in wishes where !call.access.allows(graph: log.graph.identity.id) {
            throw ExecutionRoutes.unknown(wish.id)
        }
        for (wish, log) in wishes where wish.after > max(log.visibleSeq, 0) {
            throw Problem(
                400, "cursor_ahead",
                "The last event of execution \(wish.id) so far is \(max(log.visibleSeq, 0)); nothing can be resumed after "
                    + "\(wish.after).")
        }
        let missing = wishes.filter { wish, log in wish.after < log.visibleSeq || !log.isFinishedAndVisible }
        call.stream(missing.map { ($0.log, $0.wish.after + 1) }, view: view, graphIDs: graphIDs)
    }

    /// The graphs that are asked for, as far as the token is for them; empty: all.
    private static func graphIDs(_ call: Call) throws(Problem) -> Set<String> {
        let asked = Set(call.request.options("graph_id") ?? [])
        guard let allowed = call.access.graphs else { return asked }
        let graphs = asked.isEmpty ? allowed : asked.intersection(allowed)
        guard !graphs.isEmpty else { throw Server.otherGraph }
        return graphs
    }

    /// `?executions=ID:SEQ,ID:SEQ…`
    private static func wishes(_ request: Request) throws(Problem) -> [Wish] {
        guard let text = request.option("executions") else { return [] }
        let parts = text.split(separator: ",", omittingEmptySubsequences: false)
        guard parts.count <= FeedStream.watchedMax else {
            throw Problem(
                400, "too_many_executions", "executions may name \(FeedStream.watchedMax) at most, not \(parts.count).")
        }
        var wishes: [Wish] = []
        for part in parts {
            let halves = part.split(separator: ":", maxSplits: 1, omittingEmptySubsequences: false)
            guard let id = ExecutionID(String(halves[0])) else {
                throw Problem(
                    400, "invalid_parameter", "executions must be a list such as ID:SEQ,ID:SEQ, of executions' ids.")
            }
            let seqText = halves.count == 2 && !halves[1].isEmpty ? String(halves[1]) : "0"
            guard let seq = LastEventID.sequence(seqText),
                let after = Int(exactly: seq)
            else {
                throw Problem(
                    400, "invalid_cursor",
                    "What stands behind \(id) must be the seq of an event, or 0 for the beginning.")
            }
            guard !wishes.contains(where: { $0.id == id }) else {
                throw Problem(400, "invalid_parameter", "executions names \(id) twice.")
            }
            wishes.append(Wish(id: id, after: after))
        }
        return wishes
    }
}
