import Graphs
import JSON

/// What an approval goes by, besides what it asks: the same in all its attempts.
package struct ApprovalRules: Sendable {
    /// What becomes of one that nobody has decided in time.
    package enum OnDeadline: String, Sendable, CaseIterable { case fail, reject, approve }

    /// Where the question appears among the events; its `seq` there names it.
    package static let questionChannel = "approval"
    /// Where the answers appear.
    package static let answerChannel = "answer"

    /// How many must approve; one refusal decides.
    package var required = 1
    /// Whoever started the execution may not answer.
    package var excludesStarter = false
    /// From the question on.
    package var deadlineMilliseconds: Int64?
    package var onDeadline = OnDeadline.fail
    /// The key of its update.
    package var into: JSONKey
    /// Of the data that comes with an answer.
    package var schema: JSONSchema?

    package init(into: JSONKey) {
        self.into = into
    }

}

/// What a node asks.
package struct Question: Sendable {
    package let prompt: JSONText
    package let rules: ApprovalRules

    package init(_ prompt: JSONText, _ rules: ApprovalRules) {
        self.prompt = prompt
        self.rules = rules
    }

    var excludesStarter: Bool { rules.excludesStarter }

    /// What the event that asks says.
    /// - Parameter nowMicroseconds: by the wall clock.
    func data(nowMicroseconds: Int64) -> JSONText {
        let deadline = rules.deadlineMilliseconds.map { Timestamp.string(microseconds: nowMicroseconds + $0 * 1000) }
        return [
            "prompt": prompt, "schema": rules.schema?.json ?? .null,
            "deadline": deadline.map { JSONText($0) } ?? .null,
        ]
    }
}

/// What somebody has answered.
package struct Answer: Sendable, Equatable {
    package var approved: Bool
    package var data: JSONText?
    /// The name of who it was, where that is known.
    package var by: String?
    package var comment: String?
    /// Who counts once; nil where nobody knows who it was.
    package var voter: String?
    /// By the wall clock.
    package var atMicroseconds: Int64

    package init(
        approved: Bool, data: JSONText? = nil, by: String? = nil, comment: String? = nil, voter: String? = nil,
        atMicroseconds: Int64 = 0
    ) {
        self.approved = approved
        self.data = data
        self.by = by
        self.comment = comment
        self.voter = voter
        self.atMicroseconds = atMicroseconds
    }

    /// As the state and the events show it.
    package var value: JSONText {
        [
            "approved": JSONText(approved), "data": data ?? .null, "by": by.map { JSONText($0) } ?? .null,
            "comment": comment.map { JSONText($0) } ?? .null,
            "at": JSONText(Timestamp.string(microseconds: atMicroseconds)),
        ]
    }
}

package enum AnswerVerdict: Sendable, Equatable {
    case taken
    /// The node waits for nobody's answer, or no longer.
    case notWaiting
    /// Who gives it has given one before.
    case counted
}
