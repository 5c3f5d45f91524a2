import Executions

/// Several programs of one node, run one after the other in slices, with one budget of CPU time and of bytes for all of them.
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
    }

    private let items: [Item]
    private let scope: LuaScope
    private var limits: LuaLimits
    private let cpuMilliseconds: Int
    private var run: LuaRun?
    private var results: [[UInt8]] = []
    private var resultBytes = 0

    init(_ items: [Item], _ limits: LuaLimits, _ scope: LuaScope) {
        self.items = items
        self.scope = scope
        self.limits = limits
        cpuMilliseconds = limits.cpuMilliseconds
    }

    /// Runs on for about the time given. Not to be called again once it has ended.
    mutating func step(sliceNanoseconds: UInt64 = LuaRun.sliceNanoseconds) -> Step {
        var usedNanoseconds: UInt64 = 0
        while results.count < items.count {
            guard usedNanoseconds < sliceNanoseconds else { return .yielded }
            guard limits.cpuNanoseconds > 0 else { return failure("used more than \(cpuMilliseconds) ms of CPU time") }
            let item = items[results.count]
            let run = run ?? LuaRun(item.program, item.form, limits, scope)
            let usedBefore = self.run == nil ? 0 : run.cpuNanoseconds
            self.run = run
            let step = run.step(sliceNanoseconds: sliceNanoseconds - usedNanoseconds)
            usedNanoseconds += max(run.cpuNanoseconds, usedBefore) - usedBefore
            switch step {
            case .yielded: return .yielded
            case .failed(let failure):
                self.run = nil
                return .failed(failure, item: results.count)
            case .finished(let bytes):
                self.run = nil
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

    /// A bound that all of them share.
    private func failure(_ problem: String) -> Step {
        .failed(NodeFailure("the templates \(problem)"), item: results.count)
    }

    /// Runs to the end, and gives way to others between the slices.
    func finish() async -> Step {
        var sequence = self
        while !Task.isCancelled {
            let step = sequence.step()
            guard case .yielded = step else { return step }
            await Task.yield()
        }
        return .failed(NodeFailure("cancelled"), item: 0)
    }
}
