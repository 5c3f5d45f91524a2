// What is open of a graph that a worker hosts, while it is told: the book that each word of the worker is checked against.

import JSON

/// Of one node, from its first attempt to its end. An object, so that it is never copied to be changed.
final class HostedRuns {
    /// Of what a worker wants kept of one node.
    static let keptBytesMax = 128 << 20
    /// What a worker may have open at once in one node, and tell of one step.
    static let tasksMax = 10_000

    /// Where a scope lies.
    struct Place: Hashable {
        let parent: NodeRef
        let index: Int
    }

    /// What is kept of a graph, or of one within a task: how it stood before its step, and what of that has ended.
    struct Space {
        var head = JSONText.null
        var channels = JSONObject()
        /// By task.
        var writes = JSONObject()
        /// Of a rerun: what the state is changed by before it goes on.
        var edits: JSONText?

        var content: JSONObject {
            var content: JSONObject = ["head": head, "channels": JSONText(channels), "writes": JSONText(writes)]
            if let edits { content["edits"] = edits }
            return content
        }
    }

    struct Step {
        let place: Place
        let depth: Int
        /// Ids and indices, with a slash behind each.
        let path: String
        /// Of one that holds one task of several of the same name: how many there are.
        let total: Int?
        let openedAt: UInt64
        let space: String
        /// What it began with.
        let state: JSONObject
        var isOfOneTask: Bool { total != nil }
        /// By rank.
        var names: [String] = []
        var ranks: [String: Int] = [:]
        /// By rank, where it differs from the state.
        var inputs: [Int: JSONObject] = [:]
        /// How many tasks of each name there have been, in this attempt.
        var counts: [String: Int] = [:]
        /// Tasks of several of a name that have ended in success.
        var ended: Set<Place> = []
        var hasError = false
        /// A task of it was ended before its time.
        var isCut = false

        var status: NodeStatus { hasError ? .error : isCut ? .cancelled : .success }

        mutating func add(_ task: HostedTask) {
            ranks[task.name] = names.count
            inputs[names.count] = task.input
            names.append(task.name)
        }
    }

    struct Task {
        let name: String
        var id: String?
        var attempt: Int
        var startedAt: UInt64
        /// Nothing has interrupted it.
        var isRunning = true
        var status: NodeStatus?
        /// Its question is open.
        var isAsking = false
        /// What it was answered, in order.
        var answers: [JSONText] = []
        /// How many of them the call that runs, or ran last, was given.
        var answersGiven = 0

        var hasNewAnswers: Bool { answers.count > answersGiven }
    }

    var attempt: Int
    /// Of the node.
    let input: JSONObject
    var steps: [Int32: Step] = [:]
    /// The scopes that are open, by place.
    var places: [Place: Int32] = [:]
    var tasks: [NodeRef: Task] = [:]
    /// By the id that the worker gives.
    var refs: [String: NodeRef] = [:]
    /// Of tasks that did not end in success, by path and name: they count on when they are begun again.
    var attempts: [String: Int] = [:]
    /// What the worker wants kept, by graph.
    private(set) var spaces: [String: Space] = [:]
    private(set) var keptBytes = 0
    /// What the graph has come to.
    var values = JSONText.null
    /// No call runs until there are answers.
    var isResting = false
    /// Why the node fails: its worker has said what cannot be.
    var fault: NodeFailure?

    init(attempt: Int, input: JSONObject) {
        self.attempt = attempt
        self.input = input
    }

    // MARK: What is kept

    func keep(_ kept: HostedKept) {
        guard let content = kept.content else { return }
        var space = spaces.removeValue(forKey: kept.space) ?? Space()
        space.head = content["head"] ?? .null
        space.edits = content["edits"]
        for (channel, value) in content["channels"]?.object ?? [:] {
            keptBytes += value.bytes.count - (space.channels[channel]?.bytes.count ?? 0)
            space.channels[channel] = value
        }
        keptBytes -= space.writes.byteCount
        space.writes = [:]
        spaces[kept.space] = space
    }

    /// What a thread has kept, as far as this run has not come to anything else.
    func layUnder(_ spaces: JSONObject) {
        for (name, kept) in spaces {
            var space = self.spaces[name.string] ?? Space(head: kept["head"] ?? .null)
            for (channel, value) in kept["channels"]?.object ?? [:] where space.channels[channel] == nil {
                space.channels[channel] = value
                keptBytes += value.bytes.count
            }
            self.spaces[name.string] = space
        }
    }

    func keep(_ writes: HostedWrites, in space: String) {
        guard spaces[space] != nil else { return }
        spaces[space]?.writes[JSONKey(writes.task)] = writes.content
        keptBytes += writes.content.bytes.count
        // What ran within the task is done.
        for (name, inner) in spaces where name.contains(writes.task) {
            keptBytes -= inner.channels.byteCount + inner.writes.byteCount
            spaces[name] = nil
        }
    }

    var isAsking: Bool { tasks.values.contains(where: \.isAsking) }
    /// Whether all that is open waits for answers, so that nothing is left for the call that runs but to end.
    var onlyAsks: Bool {
        guard isAsking else { return false }
        let open = Set(tasks.filter { $0.value.status == nil }.map(\.key.scope))
        // Around them.
        let holders = Set(open.compactMap { steps[$0]?.place.parent })
        return tasks.allSatisfy { ref, task in
            task.status != nil || task.isAsking || task.hasNewAnswers || holders.contains(ref)
        }
    }
    /// Some answer has not reached the worker yet.
    var hasNewAnswers: Bool {
        tasks.values.contains { $0.status == nil && $0.hasNewAnswers }
    }

    /// What the worker of the next call needs to go on; nil where it is to begin.
    func takeKept() -> JSONText? {
        guard spaces[""] != nil else { return nil }
        var answers = JSONObject()
        for (ref, task) in tasks where task.status == nil && !task.answers.isEmpty {
            tasks[ref]?.answersGiven = task.answers.count
            guard let id = task.id, let step = steps[ref.scope] else { continue }
            answers[JSONKey(id)] = ["space": JSONText(step.space), "values": JSONText(array: task.answers)]
        }
        return ["spaces": allSpaces, "answers": JSONText(answers)]
    }

    private var allSpaces: JSONText {
        JSONText(JSONObject(spaces.map { name, space in (JSONKey(name), JSONText(space.content)) }))
    }

    /// What a thread goes on with; nil where nothing has begun.
    var checkpoint: JSONText? {
        spaces[""].map { _ in ["spaces": allSpaces, "values": values] }
    }

    func forgetTask(_ ref: NodeRef) {
        if let id = tasks.removeValue(forKey: ref)?.id { refs[id] = nil }
    }

    /// The scopes that lie right within a node.
    func scopes(in ref: NodeRef) -> [Int32] {
        places.filter { $0.key.parent == ref }.map(\.value).sorted()
    }

    /// What scopes within a node differ from.
    func base(_ parent: NodeRef) -> JSONObject {
        guard let step = steps[parent.scope] else { return input }
        return step.inputs[Int(parent.rank)] ?? step.state
    }
}

extension ScopeState {
    /// A state as it differs from the input of the node around it.
    static func difference(of state: JSONObject, from base: JSONObject) -> ScopeState {
        var difference = ScopeState(hasInput: true)
        for (key, value) in state where base[key] != value { difference.values[key] = value }
        for key in base.keys where state[key] == nil { difference.without.append(key) }
        return difference
    }
}
