import Executions
import JSON
import Linux
import Synchronization

/// Recorded traffic of a provider, so that graphs can be tried without one: a line of JSON for each question,
///
///     {"request": {…}, "status": 200, "type": "text/event-stream", "body": "data: …"}
///
/// No credentials stand in it. Of several answers to one question the last counts.
struct ReplayFile: Sendable {
    /// More is no file of tests.
    private static let bytesMax = 64 << 20

    let path: String
    let lane: BlockingLane

    struct Known: Sendable {
        let type: String
        let body: [UInt8]
    }

    /// Nil: nobody has asked this.
    func answer(to question: JSONText) async throws(NodeFailure) -> Known? {
        try await lane.run(of: path) { () throws(NodeFailure) in
            let bytes: [UInt8]
            do throws(SystemError) {
                bytes = try SmallFile.read(path, bytesMax: Self.bytesMax)
            } catch {
                if error.code == .notFound { return nil }
                throw NodeFailure("the recorded answers cannot be read: \(error)")
            }
            var known: Known?
            for (number, line) in bytes.split(separator: 0x0A).enumerated() {
                guard let record = try? JSONText(parsing: Array(line)), let body = record["body"]?.string else {
                    throw NodeFailure("\(path): line \(number + 1) is no record of an answer")
                }
                if record["request"] == question {
                    known = Known(type: record["type"]?.string ?? "text/event-stream", body: Array(body.utf8))
                }
            }
            return known
        }
    }

    func add(_ record: ChatReceiver.Record, to question: JSONText) async throws(NodeFailure) {
        let line: JSONText = [
            "request": question, "status": JSONText(record.status), "type": JSONText(record.type),
            "body": JSONText(String(decoding: record.body, as: UTF8.self)),
        ]
        try await lane.run(of: path) { () throws(NodeFailure) in
            do {
                try SmallFile.append(line.bytes + [0x0A], to: path, mode: 0o600)
            } catch {
                throw NodeFailure("the answer cannot be recorded: \(error)")
            }
        }
    }
}
