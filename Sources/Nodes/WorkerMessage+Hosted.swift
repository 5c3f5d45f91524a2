import Executions
import JSON

/// What workers say of graphs that they host (millrace-worker(7)).
extension WorkerMessage {
    /// Tasks that one line may begin.
    private static let tasksMax = 10_000
    /// Tasks within tasks, each with its name.
    private static let spaceBytesMax = 16 << 10

    /// Nil where it is about nothing of the kind.
    func hosted() -> HostedNews? {
        guard [.step, .task, .ask, .kept, .emit].contains(kind) else { return nil }
        guard let text = try? JSONText(parsing: line), let object = text.object else {
            return kind == .emit ? nil : Self.fault("its words cannot be read")
        }
        switch kind {
        case .step: return step(object)
        case .task: return end(object)
        case .ask:
            guard let id = object["id"]?.string else { return Self.fault("a task that asks has no id") }
            return .asked(task: id, prompt: object["prompt"] ?? .null, schema: object["schema"] ?? .null)
        case .kept:
            guard let space = object["space"]?.string, let content = object["content"] else {
                return Self.fault("what it wants kept is of no graph")
            }
            return .kept(HostedKept(space: space, content: content), values: object["values"] ?? .null)
        default:
            guard let task = object["task"]?.string else { return nil }
            let channel = (object["channel"]?.string ?? "chunk").cut(toBytes: Self.channelBytesMax)
            return .output(task: task, channel: channel, object["data"] ?? .null)
        }
    }

    /// `{"step":CALL,"around":ID or null,"index":N,"tasks":[{"id":…,"name":…,"input":{…}}]}`
    private func step(_ object: JSONObject) -> HostedNews {
        guard let index = object["index"]?.int, (0...Int(Int32.max)).contains(index) else {
            return Self.fault("a step has no index")
        }
        guard let tasks = object["tasks"]?.array, !tasks.isEmpty, tasks.count <= Self.tasksMax else {
            return Self.fault("a step takes 1 to \(Self.tasksMax) tasks")
        }
        let around = object["around"] ?? .null
        guard around == .null || around.string != nil else { return Self.fault("a step is around no task") }
        var ids: Set<String> = []
        var starts: [HostedTaskStart] = []
        for task in tasks {
            guard let id = task["id"]?.string, HostedNames.isName(id), ids.insert(id).inserted,
                let name = task["name"]?.string, HostedNames.isName(name), let input = task["input"]?.object
            else { return Self.fault("a task takes an id of its own, a name and an input") }
            starts.append(HostedTaskStart(id: id, name: name, input: input))
        }
        guard let space = object["space"]?.string, space.utf8.count <= Self.spaceBytesMax else {
            return Self.fault("a step is of no graph")
        }
        return .step(
            around: around.string, index: index, starts, kept: HostedKept(space: space, content: object["kept"]))
    }

    /// `{"task":CALL,"id":ID,"update":{…},"output":{…}}`, or with `message` and `details` in place of these
    private func end(_ object: JSONObject) -> HostedNews {
        guard let id = object["id"]?.string else { return Self.fault("a task has no id") }
        if let update = object["update"]?.object {
            let output = object["output"]?.object ?? [:]
            return .ended(task: id, .success(update: update, output: output), writes: object["writes"])
        }
        guard let message = object["message"]?.string else {
            return Self.fault("a task has neither update nor message")
        }
        return .ended(task: id, .failure(NodeFailure(message, details: object["details"]?.object ?? [:])))
    }

    private static func fault(_ reason: String) -> HostedNews {
        .fault(NodeFailure("the worker keeps to no rule: \(reason)"))
    }
}
