import Auth
import Executions
import Graphs
import HTTP
import JSON
import Reactor

/// Nodes that ask people: the list of what is asked, and answers.
enum ApprovalRoutes {
    /// Bytes of a comment.
    private static let commentBytesMax = 4 << 10

    /// What waits for an answer, oldest execution first.
    static func list(_ call: Call) throws(Problem) {
        let limit = try call.number("limit", in: 1...500, default: 50)
        let after = try call.request.queryValue("cursor").map { text throws(Problem) in
            guard let place = Place(text) else {
                throw Problem(400, "invalid_cursor", "cursor must be a next_cursor that was returned before.")
            }
            return place
        }
        let (service, store, access) = (call.server.service, call.server.store, call.access)
        try call.whenTakenUp { (call) throws(Problem) in
            let page = { @Sendable () throws(Problem) in
                let logs = service.asking { access.allows(graph: $0) }
                let questions = questions(of: logs, after: after, limit: limit + 1)
                return try Page(questions, limit: limit, store)
            }
            call.then(page) { call, page in
                var body: JSONObject = ["items": JSONText(array: page.items), "next_cursor": .null]
                var headers: HeaderFields = [:]
                if let cursor = page.nextCursor {
                    body["next_cursor"] = JSONText(cursor)
                    headers.add("Link", call.request.nextLink(cursor: cursor))
                }
                call.respond(.json(body, headers: headers))
            }
        }
    }

    /// Takes an answer. It is replied to once it is stored.
    static func resolve(_ call: Call) throws(Problem) {
        let id = try ExecutionRoutes.id(call)
        let (nodeID, body, access) = (call.parameter("node_id"), call.request.body, call.access)
        let path = path(call.request.queryValue("path"))
        let store = call.server.store
        try ExecutionRoutes.withLog(call) { (call, log) throws(Problem) in
            if path == .emptyArray { _ = try NodeRoutes.rank(ofNode: nodeID, in: log) }
            let order = { @Sendable () throws(Problem) -> AnswerOrder in
                let questions = log.waits?.questions ?? []
                guard let asked = questions.first(where: { $0.nodeID == nodeID && $0.path == path }),
                    asked.seq <= log.visibleSeq
                else {
                    throw notWaiting(nodeID)
                }
                let schema = try data(of: asked.seq, log, store)["schema"] ?? .null
                return try self.order(body, path, nodeID, schema, access)
            }
            call.then(on: call.server.lanes.computing, order) { call, order in
                answer(call, id, order, nodeID)
            }
        }
    }

    /// `each,17,sub` as the events show it.
    private static func path(_ text: String?) -> JSONText {
        guard let text, !text.isEmpty else { return .emptyArray }
        let parts = text.split(separator: ",", omittingEmptySubsequences: false)
        return JSONText(array: parts.map { part in Int(part).map { JSONText($0) } ?? JSONText(String(part)) })
    }

    private static func answer(_ call: Call, _ id: ExecutionID, _ order: AnswerOrder, _ nodeID: String) {
        let mailbox = call.server.reactor.mailbox
        let confined = Confined(call.lettingBodyGo(), to: call.server.reactor)
        call.server.service.answer(id, order) { result in
            mailbox.post { reactor in
                let call = confined.open(on: reactor)
                if case .taken(let log, let change) = result {
                    return call.server.hub.whenStored(change, of: log) {
                        call.respond(.json(ExecutionRoutes.json(log.summary), status: 202))
                    }
                }
                call.respond(refusal(result, id, nodeID).response)
            }
        }
    }

    private static func refusal(_ result: AnswerResult, _ id: ExecutionID, _ nodeID: String) -> Problem {
        switch result {
        case .taken, .notWaiting, .unknown: notWaiting(nodeID)
        case .asksAnother(let seq):
            Problem(
                409, "other_question", "Node \(nodeID.prefix(80)) asks something else by now: its question is \(seq).")
        case .counted:
            Problem(409, "already_answered", "This token has answered the question before; each counts once.")
        case .isStarter:
            Problem(
                403, "starter_excluded",
                "Whoever started the execution may not answer (exclude_starter); somebody else must.")
        case .held:
            Problem(409, "execution_held", "Execution \(id) is held; resume it before it is answered.")
        case .closed:
            Problem(
                503, "draining", "The daemon is stopping; try again in a moment.", headers: ["Retry-After": "5"])
        }
    }

    private static func notWaiting(_ nodeID: String) -> Problem {
        Problem(
            409, "not_waiting",
            "Node \(nodeID.prefix(80)) waits for no answer: it was decided, or has not asked. GET /api/approvals lists "
                + "what waits.")
    }
}

// MARK: - What is answered

extension ApprovalRoutes {
    private static func order(
        _ body: [UInt8], _ path: JSONText, _ nodeID: String, _ schema: JSONText, _ access: Access
    ) throws(Problem) -> AnswerOrder {
        let members: JSONObject
        do {
            members = try JSONObject(parsing: body)
        } catch {
            throw Problem(400, "invalid_json", "The body is no JSON object: \(error.message).")
        }
        var faults: [ProblemDetails.Violation] = []
        var answer = Answer(approved: false, by: access.person, voter: access.voter)
        var question: Int?
        if members["approved"] == nil { faults.append(.init(pointer: "/approved", message: "is missing")) }
        for (key, value) in members {
            switch key.string {
            case "approved":
                if let approved = value.bool { answer.approved = approved } else { fault("/approved", "true or false") }
            case "data": answer.data = value
            case "comment":
                if value.kind == .null { continue }
                guard let comment = value.string, comment.utf8.count <= commentBytesMax else {
                    fault("/comment", "a string of at most \(commentBytesMax) bytes")
                    continue
                }
                answer.comment = comment
            case "question":
                guard let seq = value.int, seq > 0 else {
                    fault("/question", "the seq of the event that asks")
                    continue
                }
                question = seq
            default:
                faults.append(.init(pointer: JSONPointer([key.string]).description, message: "unknown key"))
            }
        }
        func fault(_ pointer: String, _ expected: String) {
            faults.append(.init(pointer: pointer, message: "must be \(expected)"))
        }
        if faults.isEmpty { faults = try unfit(answer, schema) }
        guard faults.isEmpty else { throw StartRoutes.invalid(faults) }
        return AnswerOrder(path: path, nodeID: nodeID, question: question, answer: answer)
    }

    /// What in the data does not fit. A refusal needs none.
    private static func unfit(_ answer: Answer, _ json: JSONText) throws(Problem) -> [ProblemDetails.Violation] {
        guard json.kind != .null else { return [] }
        let schema: JSONSchema
        do {
            schema = try JSONSchema(json)
        } catch {
            throw Problem(500, "damaged_history", "The schema of the question cannot be read: \(error.message).")
        }
        guard let data = answer.data else {
            guard answer.approved, !schema.faults(in: .null).isEmpty else { return [] }
            return [.init(pointer: "/data", message: "is missing")]
        }
        return schema.faults(in: data).map { .init(pointer: "/data" + $0.pointer, message: $0.message) }
    }
}

extension Access {
    /// Who it is, for those who read of an answer; nil where nobody knows.
    var person: String? {
        switch holder {
        case .anyone, .nobody: nil
        case .localUser: "local user"
        case .token(let id, let name), .session(_, let id, let name): name.isEmpty ? id : name
        }
    }

    /// Who counts once among those who answer.
    var voter: String? {
        if case .localUser(let id) = holder { return "user \(id)" }
        return tokenID
    }
}

// MARK: - The list

extension ApprovalRoutes {
    /// Where a page ended.
    private struct Place: Comparable {
        let id: ExecutionID
        let seq: Int

        init(_ id: ExecutionID, _ seq: Int) {
            self.id = id
            self.seq = seq
        }

        init?(_ cursor: String) {
            let parts = cursor.split(separator: ":")
            guard parts.count == 2, let id = ExecutionID(String(parts[0])), let seq = Int(parts[1]) else { return nil }
            self.init(id, seq)
        }

        var cursor: String { "\(id):\(seq)" }

        static func < (left: Place, right: Place) -> Bool {
            left.id == right.id ? left.seq < right.seq : left.id < right.id
        }
    }

    private struct Question {
        let log: EventLog
        let asked: AskedQuestion

        var place: Place { Place(log.id, asked.seq) }
    }

    private struct Page: Sendable {
        var items: [JSONText] = []
        var nextCursor: String?

        init(_ questions: [Question], limit: Int, _ store: any ExecutionStore) throws(Problem) {
            for question in questions.prefix(limit) { items.append(try json(question, store)) }
            if questions.count > limit { nextCursor = questions[limit - 1].place.cursor }
        }
    }

    /// Those that may be seen.
    private static func questions(of logs: [EventLog], after: Place?, limit: Int) -> [Question] {
        var found: [Question] = []
        for log in logs where after.map({ $0.id <= log.id }) ?? true {
            let visible = log.visibleSeq
            for asked in log.waits?.questions ?? [] where asked.seq <= visible {
                let question = Question(log: log, asked: asked)
                if after.map({ $0 < question.place }) ?? true { found.append(question) }
                if found.count == limit { return found }
            }
        }
        return found
    }

    private static func json(_ question: Question, _ store: any ExecutionStore) throws(Problem) -> JSONText {
        let (log, asked) = (question.log, question.asked)
        let data = try data(of: asked.seq, log, store)
        return [
            "execution_id": JSONText(log.id.description), "graph_id": JSONText(log.graph.identity.id),
            "path": asked.path,
            "node_id": JSONText(asked.nodeID), "question": JSONText(asked.seq), "prompt": data["prompt"] ?? .null,
            "schema": data["schema"] ?? .null,
            "required": JSONText(asked.required),
            "given": JSONText(asked.given), "deadline": data["deadline"] ?? .null,
            "since": JSONText(timestamp: asked.atMicroseconds),
        ]
    }

    /// What the event that asks says.
    private static func data(of seq: Int, _ log: EventLog, _ store: any ExecutionStore) throws(Problem) -> JSONText {
        do {
            var slice: EventLog.Slice
            switch log.read(after: seq - 1, bytesMax: 1) {
            case .events(let events): slice = events
            case .caughtUp, .evicted: slice = try store.records(of: log.id, after: seq - 1, bytesMax: 1)
            }
            var data = JSONText.emptyObject
            guard slice.firstSeq == seq else { return data }
            slice.ends = Array(slice.ends.prefix(1))
            try slice.forEachRecord { record in
                if case .nodeOutput(_, _, _, let question) = try EventRecord(decoding: record).body { data = question }
            }
            return data
        } catch let error as StoreError {
            throw ExecutionRoutes.unavailable(error)
        } catch {
            throw Problem(500, "damaged_history", "The events of execution \(log.id) cannot be read: \(error).")
        }
    }
}
