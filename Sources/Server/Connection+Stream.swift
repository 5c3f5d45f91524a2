import Executions
import HTTP
import Linux

// MARK: Beginning and end

extension Connection {
    /// Starts a stream in answer to the request that is being served: of the events of an execution from `seq` on.
    func respond(streaming head: ResponseHead, _ log: EventLog, _ view: EventView, fromSeq seq: Int) {
        guard let slot, beginStream(head, view.dialect) else { return }
        let (frames, watch) = server.hub.subscribe(slot, to: log, view, fromSeq: seq)
        stream = EventStream(frames: frames, fromSeq: seq)
        self.watch = watch
        // Before the execution is stored there is nothing to send, not even the head.
        if log.visibleSeq >= 0 { askForFlush() } else { server.hub.awaitNews(watch) }
    }

    /// Writes what a stream opens with; the caller has it sent.
    /// - Returns: whether a body follows.
    func beginStream(_ head: ResponseHead, _ dialect: EventDialect = .native) -> Bool {
        // A stream may be idle for long, and the request is the largest part of what it would hold.
        guard case .handling = phase, let request = request.take() else { return false }
        let recipient = ResponseHead.Recipient(request)
        framing = head.writeStreaming(to: &output, date: server.date(), recipient: recipient) ? .chunks : .untilClose
        let keepsAlive = request.keepsAlive && framing == .chunks
        guard request.method != .head else {
            finish(keepsAlive: keepsAlive)
            return false
        }
        keepsAliveAfterStream = keepsAlive
        phase = .streaming
        switch dialect {
        case .native: appendRetry()
        case .classic: watchSilentPeer()
        }
        arm(server.settings.keepAliveMilliseconds)
        return true
    }

    /// The stream has sent its last frame: the connection takes the next request.
    func streamEnded() {
        endStream()
        finish(keepsAlive: keepsAliveAfterStream && !server.isDraining)
    }

    /// The server stops: the stream ends properly though the execution goes on, and says when to come back.
    func endStreamEarly() {
        let saysWhen = !isClassicStream
        endStream()
        if saysWhen { appendRetry() }
        framing.appendEnd(to: &output)
        phase = .closing(lingers: true)
        arm(Linger.milliseconds)
        askForFlush()
    }

    /// Another stream takes the place of this one.
    func giveWay() {
        guard case .streaming = phase else { return }
        canWrite && isBetweenEvents ? endStreamEarly() : close()
    }

    func endStream() {
        unsubscribeFeed()
        if let ticket = ticket.take() { server.streamEnded(of: ticket, on: self) }
        guard let watch = watch.take() else { return }
        server.hub.unsubscribe(watch)
        stream = nil
    }

    private func appendRetry() {
        let milliseconds = server.jitteredRetry()
        guard framing == .chunks else { return SSEWriter.appendRetry(milliseconds: milliseconds, to: &output) }
        output.append(bytesMax: ChunkWriter.headerBytes + 32 + ChunkWriter.trailerBytes) { buffer, start in
            SSEWriter.writeRetryChunk(milliseconds: milliseconds, into: buffer, at: start)
        }
    }

    func keepAlive() {
        arm(server.settings.keepAliveMilliseconds)
        guard canWrite, isBetweenEvents, !isClassicStream else { return }
        output = framing == .chunks ? server.keepAliveChunk : server.keepAliveComment
        askForFlush()
    }

    /// Nothing but events goes over it.
    private var isClassicStream: Bool { stream?.frames.view.dialect == .classic }

    private var isBetweenEvents: Bool {
        if let feedStream { return feedStream.isBetweenEvents }
        stream?.settle()
        return stream?.isBetweenEvents == true
    }

    func restartKeepAlive() {
        arm(server.settings.keepAliveMilliseconds)
    }
}

// MARK: Sending

extension Connection {
    /// Frames up to this size travel with the head of the response in one piece.
    private static let headRidersBytesMax = 16 << 10

    /// Pieces of which nothing is shown that are looked through in a turn.
    private static let silentPiecesPerTurnMax = 4

    /// The head of a stream leaves once the execution is stored; frames that are there travel with it.
    func readyForHead() -> Bool {
        guard !output.isEmpty, outputSent == 0, let frames = stream?.frames else { return true }
        guard frames.log.visibleSeq >= 0 else {
            if let watch { server.hub.awaitNews(watch) }
            return false
        }
        if framing == .chunks, !server.hub.memory.isFull { takeRiders(from: frames) }
        return true
    }

    private func takeRiders(from frames: FrameLog) {
        if case .at(let offset) = stream?.locate(), offset == frames.endOffset {
            server.lendRoom(to: &output)
            let count = frames.handOver(to: &output, bytesMax: Self.headRidersBytesMax)
            if count > 0 { return advanceStream(by: count) }
        }
        guard case .extended = frames.extend(), case .at(let offset) = stream?.locate() else { return }
        let count = frames.withFrames(at: offset) { frames in
            guard frames.count <= Self.headRidersBytesMax else { return 0 }
            output.append(contentsOf: frames)
            return frames.count
        }
        advanceStream(by: count)
    }

    private func bytesSent(of piece: UnsafeRawBufferPointer) -> Int {
        guard case .bytes(let count) = send(piece) else { return 0 }
        return count
    }

    /// Sends what is due of the stream, up to one turn's worth.
    func pumpStream() {
        framing == .chunks ? sendFrames() : sendBlocks()
        // Until the next turn others may have so much rendered that these frames are dropped.
        stream?.settle()
    }

    private func sendFrames() {
        var budget = Self.streamBytesPerTurnMax
        // Events that are left out make no bytes, and many of them may lie behind one another.
        var silentPieces = 0
        while budget > 0, canWrite, let position = stream?.locate() {
            switch position {
            case .end:
                return streamEnded()
            case .at(let offset):
                let sent = stream?.frames.withFrames(at: offset) { frames -> Int? in
                    guard !frames.isEmpty else { return nil }
                    let piece = UnsafeRawBufferPointer(rebasing: frames[..<min(frames.count, budget)])
                    return bytesSent(of: piece)
                }
                guard !isClosed else { return }
                guard let sent = sent ?? nil else {
                    let end = stream?.frames.endOffset
                    guard extendFrames() else { return }
                    if end == stream?.frames.endOffset { silentPieces += 1 }
                    guard silentPieces < Self.silentPiecesPerTurnMax else { return askForFlush() }
                    continue
                }
                advanceStream(by: sent)
                budget -= sent
                if sent > 0 { restartKeepAlive() }
            case .ahead:
                guard extendFrames() else { return }
            case .dropped:
                if let stream { self.stream?.move(to: server.hub.frames(for: stream)) }
            }
        }
        if budget <= 0 { askForFlush() }
    }

    /// The same for a client that does not know chunks: the blocks are taken out of those that they lie in.
    private func sendBlocks() {
        var budget = Self.streamBytesPerTurnMax
        while budget > 0, canWrite, let position = stream?.locate() {
            switch position {
            case .end:
                return streamEnded()
            case .at(let offset):
                let block = stream?.frames.appendBlock(
                    at: offset, bytesMax: budget, to: &output, framing, keepsID: true)
                guard let block else {
                    guard extendFrames() else { return }
                    continue
                }
                advanceStream(by: block.next - offset)
                budget -= output.count
                restartKeepAlive()
                guard writeOutput() else { return }
            case .ahead:
                guard extendFrames() else { return }
            case .dropped:
                if let stream { self.stream?.move(to: server.hub.frames(for: stream)) }
            }
        }
        if budget <= 0 { askForFlush() }
    }

    /// So many more bytes of the stream are on their way.
    func advanceStream(by count: Int) {
        stream?.advance(by: count)
        server.metrics.eventsSent += UInt64(stream?.takeSentCount() ?? 0)
    }

    /// Has more frames rendered.
    /// - Returns: whether there is something to send now.
    private func extendFrames() -> Bool {
        guard let frames = stream?.frames, let slot, let watch else { return false }
        frames.trim()
        guard frames.isProvided || server.hub.memory.admits(slot) else { return false }
        switch frames.extend() {
        case .extended:
            return true
        case .caughtUp(isComplete: true):
            streamEnded()
            return false
        case .caughtUp(isComplete: false) where server.isEndingStreams:
            endStreamEarly()
            return false
        case .caughtUp(isComplete: false):
            if let shared = server.hub.sharedFrames(insteadOf: frames) { stream?.move(to: shared) }
            server.hub.awaitNews(watch)
            return false
        case .needsStore(let seq):
            return server.readStore(for: frames, after: seq, waking: slot)
        case .damaged(let message):
            server.report(message)
            close()
            return false
        case .unreadable:
            // It was reported by whoever has tried, and the client comes back to where it was.
            close()
            return false
        }
    }
}

extension Connection {
    /// How many events a stream is behind whose client does not take what is due; nil for all others.
    var lagEvents: Int? {
        guard !canWrite, !isClosed else { return nil }
        if let feedStream {
            return feedStream.lag(behind: server.feed)
                + feedStream.watched.reduce(0) { $0 + $1.stream.frames.log.visibleSeq - $1.stream.nextSeq + 1 }
        }
        guard let stream else { return nil }
        return max(stream.frames.log.visibleSeq - stream.nextSeq + 1, 0)
    }
}
