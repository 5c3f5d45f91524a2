import Executions
import HTTP
import Linux

extension Connection {
    private enum Step {
        case appended, nothing
        /// The execution has ended, and all of it was sent.
        case ended
        case damaged(String)
    }

    /// Starts the stream of a dashboard in answer to the request that is being served.
    func respond(feeding head: ResponseHead, _ feedStream: FeedStream) {
        guard let slot, beginStream(head) else { return }
        self.feedStream = feedStream
        askForFlush()
        server.feed.subscribe(slot)
        for index in feedStream.watched.indices {
            feedStream.watched[index].watch = server.hub.watch(slot, feedStream.watched[index].stream.frames.log)
        }
    }

    /// Sends what is due to a dashboard, up to one turn's worth.
    func pumpFeed() {
        var budget = Self.streamBytesPerTurnMax
        while budget > 0, canWrite, let feedStream {
            while output.count < FeedStream.pieceBytesMax {
                switch appendPiece(of: feedStream) {
                case .appended, .ended: continue
                case .damaged(let message):
                    server.report(message)
                    return close()
                case .nothing: break
                }
                break
            }
            server.metrics.eventsSent += UInt64(feedStream.sentCount)
            feedStream.sentCount = 0
            for index in feedStream.watched.indices { feedStream.watched[index].stream.settle() }
            if output.isEmpty {
                if feedStream.isEnding, feedStream.isBetweenEvents { return endFeed() }
                // What was looked at was for others, and more is there.
                if feedStream.isBehind(server.feed) { askForFlush() }
                return
            }
            budget -= output.count
            restartKeepAlive()
            guard writeOutput() else { return }
        }
        if budget <= 0 { askForFlush() }
    }

    func unsubscribeFeed() {
        guard let slot, let feedStream else { return }
        server.feed.unsubscribe(slot)
        for case let watch? in feedStream.watched.map(\.watch) { server.hub.unwatch(watch) }
        self.feedStream = nil
    }

    /// The server stops: the stream ends as soon as it is between events.
    func endFeedSoon() {
        guard let feedStream else { return }
        feedStream.isEnding = true
        askForFlush()
    }

    private func endFeed() {
        unsubscribeFeed()
        framing.appendEnd(to: &output)
        finish(keepsAlive: false)
    }

    private func appendPiece(of feedStream: FeedStream) -> Step {
        for source in feedStream.sources() {
            guard let index = source else {
                let clock = server.service.environment.clock
                if feedStream.appendLines(of: server.feed, now: { clock.wallMicroseconds }, to: &output, framing) {
                    return .appended
                }
                continue
            }
            let step = appendEvents(index, of: feedStream)
            if case .nothing = step { continue }
            return step
        }
        return .nothing
    }

    private func appendEvents(_ index: Int, of feedStream: FeedStream) -> Step {
        while true {
            let frames = feedStream.watched[index].stream.frames
            switch feedStream.watched[index].stream.locate() {
            case .at(let offset):
                let bytesMax = max(FeedStream.pieceBytesMax - output.count, 1024)
                if let (next, isWhole) = frames.appendBlock(at: offset, bytesMax: bytesMax, to: &output, framing) {
                    feedStream.watched[index].stream.advance(by: next - offset)
                    feedStream.watched[index].isInsideEvent = !isWhole
                    if isWhole { feedStream.sentCount += 1 }
                    return .appended
                }
            case .ahead, .end: break
            case .dropped:
                let stream = feedStream.watched[index].stream
                feedStream.watched[index].stream.move(to: server.hub.frames(for: stream))
                continue
            }
            if let step = extend(frames, index, of: feedStream) { return step }
        }
    }

    /// - Returns: nil when there is something to send now.
    private func extend(_ frames: FrameLog, _ index: Int, of feedStream: FeedStream) -> Step? {
        frames.trim()
        guard let slot, frames.isProvided || server.hub.memory.admits(slot) else { return .nothing }
        switch frames.extend() {
        case .extended:
            return nil
        case .caughtUp(isComplete: true):
            if let watch = feedStream.watched.remove(at: index).watch { server.hub.unwatch(watch) }
            return .ended
        case .caughtUp(isComplete: false):
            if let shared = server.hub.sharedFrames(insteadOf: frames) {
                feedStream.watched[index].stream.move(to: shared)
            }
            if let watch = feedStream.watched[index].watch { server.hub.awaitNews(watch) }
            return .nothing
        case .needsStore(let seq):
            return server.readStore(for: frames, after: seq, waking: slot) ? nil : .nothing
        case .unreadable:
            return .damaged("an execution's events cannot be read at the moment")
        case .damaged(let message):
            return .damaged(message)
        }
    }
}

extension FrameLog {
    /// Appends the block of the event at `offset`, or a part of it, without the end of the body behind the last.
    /// - Parameters:
    ///   - framing: as one chunk, if that is it.
    ///   - keepsID: with its `id`, which means nothing among the events of many executions.
    /// - Returns: where the stream stands then, and whether that is between events; nil when there is no frame yet.
    func appendBlock(
        at offset: Int, bytesMax: Int, to output: inout [UInt8], _ framing: StreamFraming, keepsID: Bool = false
    ) -> (next: Int, isWhole: Bool)? {
        guard offset < endOffset else { return nil }
        let bytesIntoFrame = position(at: offset).bytesIntoFrame
        let frameStart = offset - bytesIntoFrame
        return withFrames(at: frameStart) { frame in
            let blockEnd = ChunkWriter.headerBytes + ChunkWriter.size(ofHeaderAt: frame)
            var blockStart = ChunkWriter.headerBytes
            if !keepsID, frame[blockStart] == UInt8(ascii: "i") {
                while frame[blockStart] != UInt8(ascii: "\n") { blockStart += 1 }
                blockStart += 1
            }
            let start = max(blockStart, bytesIntoFrame)
            let end = min(blockEnd, start + bytesMax)
            framing.append(UnsafeRawBufferPointer(rebasing: frame[start..<end]), to: &output)
            guard end == blockEnd else { return (frameStart + end, false) }
            let next = frameStart + blockEnd + ChunkWriter.trailerBytes
            let isLast = isComplete && next + ChunkWriter.lastChunk.count == endOffset
            return (isLast ? endOffset : next, true)
        }
    }
}
