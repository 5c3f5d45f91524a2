import Executions
import HTTPClient
import JSON
import Synchronization

/// One question to a provider: gathers the answer, and puts its words out as they come.
final class ChatReceiver: TransferReceiver {
    private struct Guarded {
        var head: ReceivedHead?
        var refusal: [UInt8] = []
        var reader: ChatReader
        var fault: String?
        var error: TransferError?
        var isOver = false
        var waiting: CheckedContinuation<Void, Never>?
        /// What has come, for a record of it.
        var recorded: [UInt8] = []
    }

    private let words: PacedOutput
    private let clock: any Clock
    private let beganAt: UInt64
    private let keepsRecord: Bool
    private let guarded: Mutex<Guarded>
    private let silence = Mutex<SilenceWatch?>(nil)

    init(_ words: PacedOutput, bytesMax: Int, keepsRecord: Bool, clock: any Clock) {
        self.words = words
        self.clock = clock
        self.keepsRecord = keepsRecord
        beganAt = clock.monotonicNanoseconds
        guarded = Mutex(Guarded(reader: ChatReader(bytesMax: bytesMax)))
    }

    struct Record: Sendable {
        var status = 0
        var type = ""
        /// If it was kept.
        var body: [UInt8] = []
    }

    struct Answer: Sendable {
        var reply: ChatReply
        var record = Record()
        var failure: NodeFailure?
    }

    /// What has come, also where it is not all.
    func answer(
        to request: OutgoingRequest, by client: HTTPClient, idleTimeoutMilliseconds: Int?
    ) async -> Answer {
        let handle = client.send(request, to: self)
        let watch = SilenceWatch(idleTimeoutMilliseconds, clock: clock) { handle.cancel() }
        silence.withLock { $0 = watch }
        watch?.begin()
        await withTaskCancellationHandler {
            await withCheckedContinuation { continuation in
                let isOver = guarded.withLock { guarded in
                    if !guarded.isOver { guarded.waiting = continuation }
                    return guarded.isOver
                }
                if isOver { continuation.resume() }
            }
        } onCancel: {
            handle.cancel()
        }
        watch?.end()
        silence.withLock { $0 = nil }
        return guarded.withLock { Self.answer($0, request, watch?.failure) }
    }

    private static func answer(_ guarded: Guarded, _ request: OutgoingRequest, _ silence: NodeFailure?) -> Answer {
        let type = guarded.head?["content-type"] ?? ""
        let record = Record(status: guarded.head?.status ?? 0, type: type, body: guarded.recorded)
        var answer = Answer(reply: guarded.reader.reply, record: record)
        if let head = guarded.head, head.status >= 400, [nil, .refused].contains(guarded.error) {
            answer.failure = Reply(head: head, body: guarded.refusal).refusal(of: request)
        } else if let silence {
            answer.failure = silence
        } else if let fault = guarded.fault {
            answer.failure = NodeFailure("\(request.place): \(fault)")
        } else if let error = guarded.error {
            answer.failure = NodeFailure("\(request.place): \(error)")
        }
        return answer
    }

    /// The same from a record.
    func play(_ known: ReplayFile.Known) -> Answer {
        began(ReceivedHead(status: 200, fields: [.init(name: "content-type", value: known.type)]))
        _ = known.body.withUnsafeBytes { took($0) }
        ended(nil)
        return guarded.withLock { Self.answer($0, OutgoingRequest(method: "POST", url: "replay"), nil) }
    }

    // MARK: On the client's thread, or of a record

    func began(_ head: ReceivedHead) {
        heard()
        guarded.withLock { guarded in
            guarded.head = head
            guarded.reader.begin(isStream: head["content-type"]?.lowercased().hasPrefix("text/event-stream") ?? false)
        }
    }

    func took(_ bytes: UnsafeRawBufferPointer) -> Bool {
        heard()
        let now = clock.monotonicNanoseconds
        let (text, goesOn) = guarded.withLock { guarded -> (String, Bool) in
            if keepsRecord { guarded.recorded.append(contentsOf: bytes) }
            if let head = guarded.head, head.status >= 400 {
                let room = ReplyReceiver.refusalBytesMax - guarded.refusal.count
                guarded.refusal.append(contentsOf: bytes.prefix(room))
                return ("", bytes.count <= room)
            }
            do throws(ChatReader.Fault) {
                let text = try guarded.reader.take(bytes)
                if !text.isEmpty { guarded.reader.noteFirstToken(milliseconds: Double(now &- beganAt) / 1e6) }
                return (text, true)
            } catch {
                guarded.fault = error.message
                return ("", false)
            }
        }
        if !text.isEmpty { words.take(text.utf8) }
        return goesOn
    }

    func ended(_ error: TransferError?) {
        let now = clock.monotonicNanoseconds
        let text = guarded.withLock { guarded -> String in
            guarded.error = guarded.reader.isDone ? nil : error
            guard guarded.error == nil, guarded.fault == nil, let head = guarded.head, head.status < 400 else {
                return ""
            }
            do throws(ChatReader.Fault) {
                let text = try guarded.reader.end()
                if !text.isEmpty { guarded.reader.noteFirstToken(milliseconds: Double(now &- beganAt) / 1e6) }
                return text
            } catch {
                guarded.fault = error.message
                return ""
            }
        }
        if !text.isEmpty { words.take(text.utf8) }
        words.flush()
        let waiting = guarded.withLock { guarded in
            guarded.isOver = true
            return guarded.waiting.take()
        }
        waiting?.resume()
    }

    private func heard() { silence.withLock { $0 }?.heard() }
}
