import Executions
import Graphs
import JSON
import Synchronization

/// A `when` that is a callable of a Python file, judged in a worker as a node's function is called there.
struct PythonCondition: EdgeCondition {
    /// As `bodies.py` has it.
    private static let verdict: JSONKey = "millrace: condition"

    let target: PythonTarget
    let workers: PythonWorkers
    let readsNodes = false

    init(_ condition: GraphEdge.PythonCondition, _ workers: PythonWorkers) {
        target = PythonTarget(["file": JSONText(condition.file), "condition": JSONText(condition.path)])
        self.workers = workers
    }

    func begin(_ scope: ConditionScope, budgetNanoseconds: UInt64) -> any ConditionRun {
        PythonConditionRun(scope, target, workers)
    }

    static func step(_ outcome: NodeOutcome) -> ConditionStep {
        switch outcome {
        case .success(let update), .chose(let update, _), .told(let update, _): .finished(update[verdict]?.bool == true)
        case .failure(let failure): .failed(failure)
        case .asks, .left: .failed(NodeFailure("a condition asks nobody"))
        }
    }
}

/// One call of it. Whoever lets it go ends it.
private final class PythonConditionRun: ConditionRun {
    /// A condition is a decision, and no work.
    private static let millisecondsMax: Int64 = 60_000

    private let scope: ConditionScope
    private let target: PythonTarget
    private let workers: PythonWorkers
    private let answer = Answer()
    private let task = Mutex<Task<Void, Never>?>(nil)

    let cpuNanoseconds: UInt64 = 0

    init(_ scope: ConditionScope, _ target: PythonTarget, _ workers: PythonWorkers) {
        self.scope = scope
        self.target = target
        self.workers = workers
    }

    deinit {
        task.withLock { $0 }?.cancel()
    }

    func step(sliceNanoseconds: UInt64) -> ConditionStep {
        if let step = answer.step { return step }
        guard let call = scope.call else {
            return .failed(NodeFailure("a condition in Python is judged in executions only"))
        }
        task.withLock { task in
            guard task == nil else { return }
            task = workers.judge(
                NodeCall(
                    executionID: call.executionID, graph: call.graph, nodeID: call.nodeID, attempt: 1,
                    state: scope.state,
                    output: NodeOutput { _, _ in }),
                target, withinMilliseconds: Self.millisecondsMax
            ) { [answer] in answer.give($0) }
        }
        return answer.step ?? .waiting
    }

    func whenPossible(_ action: @escaping @Sendable () -> Void) {
        answer.whenGiven(action)
    }
}

/// What a condition has come to.
private final class Answer: Sendable {
    private struct Guarded {
        var step: ConditionStep?
        var action: (@Sendable () -> Void)?
    }

    private let guarded = Mutex(Guarded())

    var step: ConditionStep? { guarded.withLock { $0.step } }

    func give(_ outcome: NodeOutcome) {
        guarded.withLock { guarded in
            guarded.step = PythonCondition.step(outcome)
            return guarded.action.take()
        }?()
    }

    func whenGiven(_ action: @escaping @Sendable () -> Void) {
        let isGiven = guarded.withLock { guarded in
            if guarded.step == nil { guarded.action = action }
            return guarded.step != nil
        }
        if isGiven { action() }
    }
}

private final class Lateness: Sendable {
    private let flag = Atomic<Bool>(false)

    var isNoted: Bool { flag.load(ordering: .relaxed) }

    func note() { flag.store(true, ordering: .relaxed) }
}

extension PythonWorkers {
    /// Calls a condition, for so long at most. Cancelling the task ends it.
    fileprivate func judge(
        _ call: NodeCall, _ target: PythonTarget, withinMilliseconds limit: Int64,
        _ done: @escaping @Sendable (NodeOutcome) -> Void
    ) -> Task<Void, Never> {
        Task(executorPreference: pool) { [self] in
            let work = Task(executorPreference: pool) { await self.run(call, target) }
            let late = Lateness()
            let timer = clock.schedule(afterMilliseconds: limit) {
                late.note()
                work.cancel()
            }
            let outcome = await withTaskCancellationHandler {
                await work.value
            } onCancel: {
                work.cancel()
            }
            timer.cancel()
            done(late.isNoted ? .failure(NodeFailure("it was not done after \(limit) ms")) : outcome)
        }
    }
}
