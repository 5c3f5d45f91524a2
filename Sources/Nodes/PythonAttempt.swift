import Executions
import JSON

/// One attempt on its task: what the news of its call mean for it.
struct PythonAttempt: ~Copyable {
    let attempt: PythonCall
    let call: NodeCall
    private let target: PythonTarget
    private let silence: SilenceWatch?
    private let clock: any Clock
    private var allowance = ChildrenOutput()
    /// By channel.
    private var texts: [String: OutputText] = [:]
    private var awaitedPieces: Set<String> = []
    private var hasBegun = false
    private var worker: WorkerProcess?
    /// Its worker runs a graph, and says what happens there.
    private let hosts: Bool

    init(
        _ attempt: PythonCall, _ call: NodeCall, _ target: PythonTarget, _ silence: SilenceWatch?, _ clock: any Clock,
        hosts: Bool
    ) {
        self.hosts = hosts
        self.attempt = attempt
        self.call = call
        self.target = target
        self.silence = silence
        self.clock = clock
    }

    /// - Returns: how it has ended, if it has.
    mutating func take(_ news: PythonCall.News) -> NodeOutcome? {
        switch news {
        case .assigned(let worker, _, let isBegun):
            // It begins anew in another worker.
            if self.worker != nil { setBack() }
            self.worker = worker
            let reference = worker.reference(for: attempt.number, call)
            worker.write(WorkerOrder.call(attempt.number, target: target.json, call, isBegun: isBegun, reference))
            if isBegun { begin() }
        case .began: begin()
        case .blocked:
            call.output.standsStill()
            silence?.pause()
        case .unblocked:
            call.output.began()
            silence?.begin()
        case .output(let message, let worker):
            silence?.heard()
            if !hosts || !host(message) { emit(message) }
            worker.outputIsDone(bytes: message.line.count)
        case .raw(let channel, let bytes, let worker):
            silence?.heard()
            print(bytes, on: channel, pieceAfter: OutputText.unfinishedMilliseconds)
            worker.outputIsDone(bytes: bytes.count)
        case .pieceIsDue(let channel):
            awaitedPieces.remove(channel)
            if let piece = texts[channel]?.takePiece() { call.output.emit(channel, line: piece, within: &allowance) }
        case .forgotten(let worker):
            worker.forgets(call)
            worker.write(
                WorkerOrder.call(attempt.number, target: target.json, call, isBegun: hasBegun, .whole(isKept: false)))
        case .replied(let message):
            begin()
            return finish(message.outcome())
        // Of one that no worker has yet, the next daemon begins the call.
        case .draining: worker?.write(WorkerOrder.drain(attempt.number))
        case .failed(let failure): return finish(.failure(failure))
        }
        return nil
    }

    private mutating func begin() {
        guard !hasBegun else { return }
        hasBegun = true
        call.output.began()
        silence?.begin()
    }

    /// What has gone before counts for nothing: neither its time nor the silence in it.
    private mutating func setBack() {
        endTexts()
        call.output.standsStill(isSetBack: true)
        silence?.pause()
        hasBegun = false
    }

    private mutating func emit(_ message: WorkerMessage) {
        do throws(JSONError) {
            switch try message.output() {
            case .event(let channel, let data): call.output.emit(channel, data, within: &allowance)
            case .text(let channel, let bytes):
                guard channel == "stdout" || channel == "stderr" else {
                    return call.output.emit(channel, line: bytes, within: &allowance)
                }
                print(bytes, on: channel, pieceAfter: OutputText.flushedMilliseconds)
            }
        } catch {
            call.output.emit("log", JSONText("an output of this node was dropped: \(error)"), within: &allowance)
        }
    }

    /// - Returns: whether it was about the graph that the worker hosts.
    private mutating func host(_ message: WorkerMessage) -> Bool {
        switch message.hosted() {
        case nil: return false
        case .output(let task, let channel, let data)?:
            switch allowance.admit(bytes: data.bytes.count) {
            case .whole:
                call.output.host(.output(task: task, channel: channel, data), bytes: message.line.count)
            case .lastWord: call.output.emit("log", .endOfOutput)
            case .dropped: break
            }
        case let news?: call.output.host(news, bytes: message.line.count)
        }
        return true
    }

    private mutating func print(_ bytes: [UInt8], on channel: String, pieceAfter delay: Int64) {
        var text = texts.removeValue(forKey: channel) ?? OutputText()
        for line in text.take(bytes) { call.output.emit(channel, line: line, within: &allowance) }
        let mustWait = text.hasPiece && awaitedPieces.insert(channel).inserted
        texts[channel] = text
        guard mustWait else { return }
        _ = clock.schedule(afterMilliseconds: delay) { [attempt] in attempt.post(.pieceIsDue(channel: channel)) }
    }

    private mutating func endTexts() {
        for channel in texts.keys.sorted() {
            if let rest = texts[channel]?.finish() { call.output.emit(channel, line: rest, within: &allowance) }
        }
    }

    private mutating func finish(_ outcome: NodeOutcome) -> NodeOutcome {
        endTexts()
        switch outcome {
        case .success(let update), .chose(let update, _): worker?.ended(attempt.number, hasUpdate: !update.isEmpty)
        case .failure, .asks, .left, .told: worker?.ended(attempt.number, hasUpdate: false)
        }
        return outcome
    }
}
