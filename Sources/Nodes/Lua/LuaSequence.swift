import Executions

/// Several programs of one node, run one after the other in slices, with one budget of CPU time and of bytes for all of them.
///
/// What does not end in its first slice goes on once it holds a place (`ProgramPlaces`). Where there is none, all of it is thrown
/// away and begins anew later: programs see nothing but the state and change nothing, and what they put out is held back until
/// then.
struct LuaSequence: Sendable {
    struct Item: Sendable {
        let program: LuaProgram
        let form: LuaForm
    }

    enum Step {
        /// What each program gave, in order.
        case finished([[UInt8]])
        /// The item failed.
        case failed(NodeFailure, item: Int)
        case yielded
        /// There is no room for it: `whenPossible`.
        case waiting
    }

    private let items: [Item]
    private let scope: LuaScope
    private let limitsOfAll: LuaLimits
    /// What is left for the programs that have not run.
    private var limits: LuaLimits
    private var run: LuaRun?
    private var results: [[UInt8]] = []
    private var resultBytes = 0
    private var place: ProgramPlace?
    /// What it needs to go on.
    private var wanted: ProgramPlaces.Size?
    private(set) var cpuNanosecondsOfEnded: UInt64 = 0

    init(_ items: [Item], _ limits: LuaLimits, _ scope: LuaScope) {
        self.items = items
        self.scope = scope
        self.limits = limits
        limitsOfAll = limits
    }

    /// CPU time so far.
    var cpuNanoseconds: UInt64 { cpuNanosecondsOfEnded + (run?.cpuNanoseconds ?? 0) }

    /// Runs on for about the time given. Not to be called again once it has ended.
    mutating func step(sliceNanoseconds: UInt64 = LuaRun.sliceNanoseconds) -> Step {
        if let wanted, !hasPlace(wanted) { return .waiting }
        var usedNanoseconds: UInt64 = 0
        while results.count < items.count {
            guard usedNanoseconds < sliceNanoseconds else { return goOn(with: .small) ? .yielded : .waiting }
            guard limits.cpuNanoseconds > 0 else {
                return failure("used more than \(limitsOfAll.cpuMilliseconds) ms of CPU time")
            }
            let run = run ?? begin(items[results.count])
            let usedBefore = self.run == nil ? 0 : run.cpuNanoseconds
            self.run = run
            let step = run.step(sliceNanoseconds: sliceNanoseconds - usedNanoseconds)
            usedNanoseconds += max(run.cpuNanoseconds, usedBefore) - usedBefore
            switch step {
            case .yielded: return goOn(with: .small) ? .yielded : .waiting
            case .short: guard goOn(with: place?.size?.next ?? .medium) else { return .waiting }
            case .failed(let failure):
                end(run)
                return .failed(failure, item: results.count)
            case .finished(let bytes):
                end(run)
                limits.cpuNanoseconds -= min(run.cpuNanoseconds, limits.cpuNanoseconds)
                resultBytes += bytes.count
                guard resultBytes <= LuaLimits.resultBytesMax else {
                    return failure("made more than \(LuaLimits.resultBytesMax) bytes")
                }
                results.append(bytes)
            }
        }
        return .finished(results)
    }

    private func begin(_ item: Item) -> LuaRun {
        let run = LuaRun(item.program, item.form, limits, scope)
        grant(run)
        return run
    }

    private mutating func end(_ run: LuaRun) {
        cpuNanosecondsOfEnded += run.cpuNanoseconds
        run.sendOutputs()
        self.run = nil
    }

    /// A bound that all of them share.
    private func failure(_ problem: String) -> Step {
        .failed(NodeFailure("the templates \(problem)"), item: results.count)
    }
}

// MARK: - Room

extension LuaSequence {
    /// - Returns: false where it has to wait for its place.
    private mutating func goOn(with size: ProgramPlaces.Size) -> Bool {
        guard hasPlace(size) else {
            wanted = size
            // Whoever holds no place holds nothing else either.
            if place?.size == nil { beginAnew() }
            return false
        }
        wanted = nil
        if let run {
            grant(run)
            run.sendOutputs()
        }
        return true
    }

    private mutating func hasPlace(_ size: ProgramPlaces.Size) -> Bool {
        guard let room = scope.room else { return true }
        let place = place ?? room.place()
        self.place = place
        return place.grow(to: size)
    }

    private func grant(_ run: LuaRun) {
        guard let room = scope.room else { return }
        let bytes = room.places.bytes(of: place?.size ?? .small)
        run.grant(bytes == .max ? bytes : bytes - resultBytes)
    }

    private mutating func beginAnew() {
        (run, results, resultBytes) = (nil, [], 0)
        (limits, cpuNanosecondsOfEnded) = (limitsOfAll, 0)
    }

    /// Calls `action` once it may go on, after `step` said that it waits.
    func whenPossible(_ action: @escaping @Sendable () -> Void) {
        guard let place else { return action() }
        place.whenLarger(action)
    }

    /// Runs to the end, and gives way to others between the slices.
    func finish() async -> Step {
        var sequence = self
        while !Task.isCancelled {
            switch sequence.step() {
            case .yielded: await Task.yield()
            case .waiting: await sequence.place?.becomesLarger()
            case let end: return end
            }
        }
        return .failed(NodeFailure("cancelled"), item: 0)
    }
}

extension ProgramPlace {
    /// Returns at once where the task is cancelled.
    fileprivate func becomesLarger() async {
        await withTaskCancellationHandler {
            await withCheckedContinuation { continuation in
                whenLarger { continuation.resume() }
            }
        } onCancel: {
            stopWaiting()
        }
    }
}
