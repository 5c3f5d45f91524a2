import Executions
import Graphs
import JSON

/// One map: opens a scope for each item, as many at a time as may be, and gathers their results.
struct MapPlan: ScopePlan {
    private let config: MapConfig
    /// Nil for a plan that only learns what earlier daemons did.
    private let call: PlanInput?
    private var revision: GraphRevision?
    private var items: MapItems?
    /// The list, from whatever was written as `items`.
    private var found: JSONText?
    /// An item whose state is being made.
    private var prepared: (index: Int, item: JSONText)?
    private var state: JSONObject?
    /// The first item that no scope was opened for.
    private var nextIndex = 0
    /// Items before that which have to run again.
    private var again: Set<Int> = []
    private var results: MapResults
    /// Of another execution, to be taken over one by one.
    private var others: ArraySlice<TakenOverItem> = []
    /// Items that were taken over.
    private var takenOver = RangeSet<Int>()
    /// Why the attempt fails.
    private var failure: NodeFailure?

    init(_ config: MapConfig, _ call: PlanInput? = nil) {
        self.config = config
        self.call = call
        results = config.emptyResults
    }

    mutating func takeOver(_ earlier: any ScopePlan) {
        guard let earlier = earlier as? MapPlan else { return }
        revision = earlier.revision
        nextIndex = earlier.nextIndex
        takenOver = earlier.takenOver
        again = earlier.again
        results = earlier.results
        failure = earlier.failure
    }

    mutating func takeOver(_ items: [TakenOverItem]) { others = items[...] }

    mutating func attemptEnded() { failure = nil }

    mutating func next(openCount: Int) -> PlanStep {
        if let failure { return .failed(failure) }
        while let item = others.popFirst() {
            if !takenOver.contains(item.index) { return .takeOver(item) }
        }
        while takenOver.contains(nextIndex) { nextIndex += 1 }
        guard openCount < config.parallel else { return .wait }
        guard let revision else { return findGraph(openCount) }
        guard let total = items?.total else { return findItems(openCount) }
        if prepared == nil {
            guard let index = again.min() ?? (nextIndex < total ? nextIndex : nil) else {
                return openCount > 0 ? .wait : finish()
            }
            guard let item = take(index) else { return read(index, openCount) }
            prepared = (index, item)
        }
        return open(revision, total, openCount)
    }

    // MARK: What is run, and over what

    private mutating func findGraph(_ openCount: Int) -> PlanStep {
        switch config.choice.find() {
        case .found(let found): revision = found
        case .failed(let failure): return .failed(failure)
        case .work(let work): return .work(work)
        }
        return next(openCount: openCount)
    }

    private mutating func findItems(_ openCount: Int) -> PlanStep {
        guard let call else { return .failed(NodeFailure("the node has no input")) }
        guard let found else {
            if let key = config.listKey {
                self.found = call.state[key] ?? .null
                return next(openCount: openCount)
            }
            switch Rendering(config.items, over: call.state, in: call.room).first() {
            case .value(let value): self.found = value
            case .failed(let failure):
                return .failed(NodeFailure("items: \(failure.message)", details: failure.details))
            case .goesOn(let rest): return .work { await rest().map { $0 as any Sendable } }
            }
            return next(openCount: openCount)
        }
        if let name = found["file"]?.string, found.kind == .object {
            let (folder, lane, index) = (call.folder, config.lane, again.min() ?? nextIndex)
            return .work { await ItemFile.open(name, in: folder, on: lane, from: index).map { $0 as any Sendable } }
        }
        guard found.kind == .array else {
            return .failed(NodeFailure("items must be a list, and is \(found.kind.words)"))
        }
        do {
            items = try MapItems(list: found)
        } catch {
            return .failed(error)
        }
        return next(openCount: openCount)
    }

    /// The item of an index, if it is at hand.
    private mutating func take(_ index: Int) -> JSONText? {
        guard items?.index == index || items?.isList == true else { return nil }
        if let place = items?.index, place > index, let found {
            // A list begins again where an item runs once more.
            do {
                items = try MapItems(list: found)
            } catch {
                return nil
            }
        }
        items?.skip(to: index)
        return items?.next()
    }

    private mutating func read(_ index: Int, _ openCount: Int) -> PlanStep {
        guard items?.index == index, let reading = items?.reading else {
            // A file is opened anew at the item.
            items = nil
            return next(openCount: openCount)
        }
        return .work(reading)
    }

    // MARK: Items

    private mutating func open(_ revision: GraphRevision, _ total: Int, _ openCount: Int) -> PlanStep {
        guard let (index, item) = prepared, let call else { return .wait }
        var values: JSONObject = [config.item: item, config.index: JSONText(index)]
        let without = config.listKey.map { [$0] } ?? []
        if let template = config.state {
            guard let state else { return render(template, over: call, without, values, openCount) }
            values = state
        }
        (prepared, state) = (nil, nil)
        if again.remove(index) == nil { nextIndex = index + 1 }
        return .open(
            ScopeDraft(
                index: index, total: total, revision: revision, topology: config.choice.topology(revision),
                state: ScopeState(
                    hasInput: config.state == nil, without: config.state == nil ? without : [], values: values)))
    }

    private mutating func render(
        _ template: TemplateValue, over call: PlanInput, _ without: [JSONKey], _ values: JSONObject, _ openCount: Int
    ) -> PlanStep {
        var input = call.state.object
        for key in without { input.removeValue(forKey: key) }
        for (key, value) in values { input[key] = value }
        switch Rendering(template, over: State(initial: input), in: call.room).first() {
        case .value(let value): state = value.object ?? [:]
        case .failed(let failure): return .failed(NodeFailure("state: \(failure.message)", details: failure.details))
        case .goesOn(let rest): return .work { await rest().map { MadeState(value: $0) as any Sendable } }
        }
        return next(openCount: openCount)
    }

    private struct MadeState: Sendable {
        let value: JSONText
    }

    mutating func learned(_ news: Result<any Sendable, NodeFailure>) {
        switch news {
        case .success(let found as GraphRevision): revision = found
        case .success(let list as JSONText): found = list
        case .success(let items as MapItems): self.items = items
        case .success(let part as ItemFile.Part): items?.take(part)
        case .success(let made as MadeState): state = made.value.object ?? [:]
        case .success: preconditionFailure("a plan learns what it asked for")
        case .failure(let failure): self.failure = failure
        }
    }

    // MARK: Results

    func conclude(_ end: ScopeEnd) -> ScopeConclusion {
        guard let template = config.result else {
            return accept(JSONText(end.changes(for: call?.state.reducers ?? [:])))
        }
        switch Rendering(template, over: end.final, in: call?.room).first() {
        case .value(let value): return accept(value)
        case .failed(let failure): return .failed(Self.inResult(failure))
        case .goesOn(let rest):
            return .work { [config] in
                switch await rest() {
                case .failure(let failure): return .failure(Self.inResult(failure))
                case .success(let value):
                    if let refusal = config.refusal(of: value) {
                        return .failure(NodeFailure("the result: \(refusal)"))
                    }
                    return .success(value)
                }
            }
        }
    }

    private static func inResult(_ failure: NodeFailure) -> NodeFailure {
        NodeFailure("result: \(failure.message)", details: failure.details)
    }

    private func accept(_ value: JSONText) -> ScopeConclusion {
        config.refusal(of: value).map { .failed(NodeFailure("the result: \($0)")) } ?? .value(value)
    }

    mutating func opened(_ opening: ScopeOpening, _ revision: GraphRevision) {
        self.revision = revision
        guard let index = opening.index else { return }
        again.remove(index)
        nextIndex = max(nextIndex, index + 1)
    }

    mutating func closed(_ closing: ScopeClosing) {
        guard let index = closing.index else { return }
        switch closing.status {
        case .success: results.add(index, closing.value ?? .null)
        case .cached:
            takenOver.insert(contentsOf: index..<index + 1)
            results.add(index, closing.value ?? .null)
        case .error where config.collects:
            results.fail(index, closing.failure?.message ?? "failed")
        default:
            again.insert(index)
            if closing.status == .error, failure == nil {
                let reason = closing.failure
                failure = NodeFailure(
                    "item \(index): \(reason?.message ?? "failed")", details: reason?.details ?? [:])
            }
        }
        guard let call, failure == nil, results.byteCount > call.stateBytesMax else { return }
        failure = NodeFailure(
            "the results of the items take more than executions.state_bytes_max (\(call.stateBytesMax))")
    }

    private mutating func finish() -> PlanStep {
        switch results.update(into: config.into) {
        case .success(let update): .done(update: update)
        case .failure(let failure): .failed(failure)
        }
    }
}

extension JSONKind {
    fileprivate var words: String {
        switch self {
        case .object: "an object"
        case .array: "a list"
        case .string: "a string"
        case .number: "a number"
        case .bool: "true or false"
        case .null: "null"
        }
    }
}
