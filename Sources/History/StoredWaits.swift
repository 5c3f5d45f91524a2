import Executions
import JSON

/// What an execution waits for, as its row holds it: `[is all, wakes at or null, [scope, rank, seq, at, given, required, node
/// id, path], …]`.
extension ExecutionWaits {
    var stored: String {
        let questions = questions.map { question -> JSONText in
            [
                JSONText(Int(question.ref.scope)), JSONText(Int(question.ref.rank)), JSONText(question.seq),
                JSONText(Int(question.atMicroseconds)), JSONText(question.given), JSONText(question.required),
                JSONText(question.nodeID), question.path,
            ]
        }
        let head = [JSONText(isAll), wakesAtMicroseconds.map { JSONText(Int($0)) } ?? .null]
        return JSONText(array: head + questions).description
    }

    convenience init(stored bytes: UnsafeRawBufferPointer) throws(StoreError) {
        let elements = JSONText(trusted: Array(bytes)).array ?? []
        guard elements.count >= 2, let isAll = elements[0].bool else { throw Self.damage }
        var questions: [AskedQuestion] = []
        for element in elements.dropFirst(2) { questions.append(try Self.question(element)) }
        self.init(isAll: isAll, wakesAtMicroseconds: elements[1].int.map { Int64($0) }, questions: questions)
    }

    private static func question(_ json: JSONText) throws(StoreError) -> AskedQuestion {
        let parts = json.array ?? []
        let numbers = parts.prefix(6).compactMap(\.int)
        guard parts.count == 8, numbers.count == 6, let scope = Int32(exactly: numbers[0]),
            let nodeID = parts[6].string
        else { throw damage }
        return AskedQuestion(
            NodeRef(scope: scope, rank: numbers[1]), nodeID: nodeID, path: parts[7], seq: numbers[2],
            atMicroseconds: Int64(numbers[3]), given: numbers[4], required: numbers[5])
    }

    private static var damage: StoreError { StoreError("what a stored execution waits for is damaged") }
}
