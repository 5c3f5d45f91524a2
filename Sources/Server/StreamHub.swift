import Executions
import Reactor

/// Who waits for which execution, and the frames that streams of one execution share. Lives on the reactor's thread.
final class StreamHub {
    /// The watchers and waiters of one execution.
    final class Channel {
        let log: EventLog
        /// Those that streams share: at most one for each detail.
        private var frames = InlineArray<3, FrameLog?>(repeating: nil)
        /// The same of streams that leave events out, or speak another dialect.
        private var partialFrames: [EventView: FrameLog] = [:]
        /// Of streams that lag, which share them where they stand close to each other.
        fileprivate var trailing: [Trailing] = []
        fileprivate var watchCount = 0
        /// The watchers that have sent all there was. One whose client does not read is not among them, and costs nothing
        /// when there is news.
        fileprivate var awaitingNews = Crew()
        fileprivate var waiters: [Waiter] = []

        fileprivate struct Trailing {
            weak var frames: FrameLog?
        }

        init(log: EventLog) {
            self.log = log
        }

        fileprivate var abandonment: TimerID?
        fileprivate var isForgotten = false

        fileprivate func frames(_ view: EventView) -> FrameLog? {
            view.isWhole ? frames[Self.place(of: view.detail)] : partialFrames[view]
        }

        /// Shares these from now on with all who want their detail.
        fileprivate func share(_ shared: FrameLog) {
            shared.isShared = true
            guard shared.view.isWhole else { return partialFrames[shared.view] = shared }
            frames[Self.place(of: shared.view.detail)] = shared
        }

        private static func place(of detail: StateDetail) -> Int {
            switch detail {
            case .full: 0
            case .update: 1
            case .none: 2
            }
        }

        fileprivate var isIdle: Bool { watchCount == 0 && waiters.isEmpty && abandonment == nil }
    }

    /// One who watches an execution: a stream, or a client that waits for the end.
    final class Watch {
        fileprivate let channel: Channel
        fileprivate let slot: Slot
        /// Where it stands among those that await news, if it does.
        fileprivate var place: Int?

        fileprivate init(_ channel: Channel, _ slot: Slot) {
            self.channel = channel
            self.slot = slot
        }
    }

    /// Watches that await news. Most executions have one at most, which takes no array.
    fileprivate struct Crew {
        private var first: Watch?
        private var others: [Watch] = []

        mutating func insert(_ watch: Watch) {
            guard watch.place == nil else { return }
            if first == nil {
                first = watch
                watch.place = 0
            } else {
                others.append(watch)
                watch.place = others.count
            }
        }

        mutating func remove(_ watch: Watch) {
            guard let place = watch.place.take() else { return }
            guard let last = others.popLast() else { return first = nil }
            if last === watch { return }
            if place == 0 { first = last } else { others[place - 1] = last }
            last.place = place
        }

        /// Calls `body` with each, and has none any more.
        mutating func removeAll(_ body: (Watch) -> Void) {
            guard let watch = first.take() else { return }
            watch.place = nil
            body(watch)
            for watch in others {
                watch.place = nil
                body(watch)
            }
            others.removeAll(keepingCapacity: true)
        }
    }

    /// Somebody who waits for something to be stored.
    fileprivate struct Waiter {
        enum Mark {
            case change(Int)
            case end
        }
        let mark: Mark
        let action: () -> Void
        /// The server stops before the mark is reached.
        var farewell: () -> Void = {}

        var isForEnd: Bool { if case .end = mark { true } else { false } }

        func isDue(_ log: EventLog) -> Bool {
            switch mark {
            case .change(let change): log.visibleSeq >= 0 && log.storedChange >= change
            case .end: log.isFinishedAndVisible
            }
        }
    }

    /// How long an execution with `on_disconnect: cancel` goes on without a watcher.
    private static let abandonmentMilliseconds: Int64 = 10_000

    let memory: FrameMemory
    private let reactor: Reactor
    private let cancel: (EventLog) -> Void
    private var channels: [ExecutionID: Channel] = [:]
    private(set) var streamCount = 0

    /// - Parameter cancel: cancels an execution that was left alone.
    init(reactor: Reactor, memory: FrameMemory, cancel: @escaping (EventLog) -> Void) {
        self.reactor = reactor
        self.memory = memory
        self.cancel = cancel
    }

    /// The log that streams of this execution hold already.
    func log(of id: ExecutionID) -> EventLog? {
        channels[id].flatMap { $0.isForgotten ? nil : $0.log }
    }

    /// The execution is no more: who watches it may go on as far as its events are in memory, nobody else may begin.
    func forget(_ id: ExecutionID) {
        channels[id]?.isForgotten = true
    }

    /// Frames for a stream that wants events from `seq` on: the shared ones if they have it, else those of a stream that lags.
    func frames(for log: EventLog, view: EventView, fromSeq seq: Int) -> FrameLog {
        frames(channel(of: log), view, fromSeq: seq)
    }

    private func frames(_ channel: Channel, _ view: EventView, fromSeq seq: Int) -> FrameLog {
        if let shared = channel.frames(view) {
            if shared.offset(ofSeq: seq) != nil || seq > shared.nextSeq { return shared }
            return trailing(channel, view, seq, isInsideFrame: false, behindGap: nil, from: nil)
        }
        let frames = FrameLog(log: channel.log, view: view, firstSeq: seq, memory: memory)
        channel.share(frames)
        return frames
    }

    /// Frames for a stream whose own were dropped before it came.
    func frames(for stream: EventStream) -> FrameLog {
        let frames = stream.frames
        guard let channel = channels[frames.log.id], !frames.hasGap || stream.isBetweenEvents else {
            return FrameLog(
                log: frames.log, view: frames.view, firstSeq: stream.nextSeq, memory: memory,
                isInsideFrame: !stream.isBetweenEvents, from: stream.bookmark)
        }
        let (seq, isInsideFrame, gap) = (stream.nextSeq, !stream.isBetweenEvents, frames.hasGap)
        if let shared = channel.frames(frames.view),
            shared.canServe(seq: seq, isInsideFrame: isInsideFrame, behindGap: gap)
        {
            return shared
        }
        return trailing(
            channel, frames.view, seq, isInsideFrame: isInsideFrame, behindGap: gap, from: stream.bookmark)
    }

    private func trailing(
        _ channel: Channel, _ view: EventView, _ seq: Int, isInsideFrame: Bool, behindGap gap: Bool?,
        from bookmark: FrameLog.Bookmark?
    ) -> FrameLog {
        var start = bookmark
        for case let known? in channel.trailing.map(\.frames) where known.view == view {
            if known.canServe(seq: seq, isInsideFrame: isInsideFrame, behindGap: gap) { return known }
            guard let mark = known.firstBookmark, mark.nextSeq <= seq, mark.hasGap == (gap ?? false) else { continue }
            if mark.nextSeq > start?.nextSeq ?? 0 { start = mark }
        }
        let frames = FrameLog(
            log: channel.log, view: view, firstSeq: seq, memory: memory, isInsideFrame: isInsideFrame, from: start)
        channel.trailing.removeAll { $0.frames == nil }
        channel.trailing.append(Channel.Trailing(frames: frames))
        return frames
    }

    /// For a stream that has caught up with frames of its own: the shared ones, if they go on from there. If there are none, or
    /// they lie behind because their readers do, its own are shared from now on.
    func sharedFrames(insteadOf own: FrameLog) -> FrameLog? {
        guard let channel = channels[own.log.id] else { return nil }
        guard let shared = channel.frames(own.view) else {
            channel.share(own)
            return nil
        }
        guard shared !== own else { return nil }
        // Frames without states are for nobody who may have them with.
        guard shared.nextSeq < own.nextSeq, shared.hasGap || !own.hasGap else {
            return shared.canServe(seq: own.nextSeq, isInsideFrame: false, behindGap: own.hasGap) ? shared : nil
        }
        shared.isShared = false
        channel.share(own)
        // Those that are there still may be joined by others that lag.
        channel.trailing.removeAll { $0.frames == nil || $0.frames === own || $0.frames === shared }
        channel.trailing.append(Channel.Trailing(frames: shared))
        return nil
    }

    /// Counts a stream in, which will await its first news once it has sent what is there.
    func subscribe(
        _ slot: Slot, to log: EventLog, _ view: EventView, fromSeq seq: Int
    ) -> (frames: FrameLog, watch: Watch) {
        let channel = channel(of: log)
        streamCount += 1
        return (frames(channel, view, fromSeq: seq), watch(slot, channel))
    }

    func unsubscribe(_ watch: Watch) {
        streamCount -= 1
        unwatch(watch)
    }

    /// Somebody watches the execution, until `unwatch`.
    func watch(_ slot: Slot, _ log: EventLog) -> Watch { watch(slot, channel(of: log)) }

    private func watch(_ slot: Slot, _ channel: Channel) -> Watch {
        channel.watchCount += 1
        if let timer = channel.abandonment.take() { reactor.cancel(timer) }
        return Watch(channel, slot)
    }

    /// The watcher has seen all that is visible: its slot is flushed once when there is more.
    func awaitNews(_ watch: Watch) {
        watch.channel.awaitingNews.insert(watch)
    }

    /// For a new execution that is cancelled when nobody has watched it for a while: the time runs from now on. For one that
    /// an earlier daemon has left, it does not before the first watcher has gone: that daemon's end is no disconnect.
    func watchAbandonment(of log: EventLog) {
        watchAbandonment(of: channel(of: log))
    }

    private func watchAbandonment(of channel: Channel) {
        guard channel.log.cancelsWhenAbandoned, channel.watchCount == 0, !channel.log.isFinishedAndVisible else {
            return
        }
        channel.abandonment = reactor.schedule(afterMilliseconds: Self.abandonmentMilliseconds) { [self] in
            channel.abandonment = nil
            cancel(channel.log)
            if channel.isIdle { channels[channel.log.id] = nil }
        }
    }

    func unwatch(_ watch: Watch) {
        let channel = watch.channel
        channel.awaitingNews.remove(watch)
        channel.watchCount -= 1
        watchAbandonment(of: channel)
        if channel.isIdle { channels[channel.log.id] = nil }
    }

    /// Calls `action` once the execution and all its changes up to this one are stored; at once if they are.
    func whenStored(_ change: Int, of log: EventLog, _ action: @escaping () -> Void) {
        wait(Waiter(mark: .change(change), action: action), for: log)
    }

    /// Calls `action` once the end of the execution is stored, or `farewell` if the server stops before.
    func whenFinished(_ log: EventLog, _ action: @escaping () -> Void, farewell: @escaping () -> Void) {
        wait(Waiter(mark: .end, action: action, farewell: farewell), for: log)
    }

    private func wait(_ waiter: Waiter, for log: EventLog) {
        if waiter.isDue(log) { return waiter.action() }
        channel(of: log).waiters.append(waiter)
    }

    /// The server stops: whoever waits for an end is told so. Who waits for something else to be stored will have it.
    func sayFarewell() {
        for channel in channels.values {
            // The news of what is stored may still be on its way.
            fireWaiters(channel)
            let waiters = channel.waiters.filter(\.isForEnd)
            channel.waiters.removeAll(where: \.isForEnd)
            for waiter in waiters { waiter.farewell() }
            if channel.isIdle { channels[channel.log.id] = nil }
        }
    }

    /// The visible marks of these logs have moved.
    func wake(_ logs: [EventLog]) {
        for log in logs {
            guard let channel = channels[log.id] else { continue }
            channel.awaitingNews.removeAll { reactor.needsFlush($0.slot) }
            if !channel.waiters.isEmpty { fireWaiters(channel) }
        }
    }

    /// Channels are there for somebody, and streams are among their watchers: in debug builds, for tests.
    func checkInvariants() {
        assert(channels.values.allSatisfy { !$0.isIdle && $0.watchCount >= 0 }, "an idle channel is forgotten")
        assert(streamCount >= 0 && streamCount <= channels.values.reduce(0) { $0 + $1.watchCount })
        assert(channels.allSatisfy { $0.key == $0.value.log.id })
    }

    private func channel(of log: EventLog) -> Channel {
        if let known = channels[log.id] { return known }
        let channel = Channel(log: log)
        channels[log.id] = channel
        return channel
    }

    private func fireWaiters(_ channel: Channel) {
        let due = channel.waiters.filter { $0.isDue(channel.log) }
        guard !due.isEmpty else { return }
        channel.waiters.removeAll { $0.isDue(channel.log) }
        for waiter in due { waiter.action() }
        if channel.isIdle { channels[channel.log.id] = nil }
    }
}
