import Executions
import Linux
import Reactor

/// The children of nodes by number: those that run, and those that wait for their start, of which graphs take turns.
final class ChildTable: SpawnQueue {
    typealias Order = @Sendable (Child) -> Void
    typealias Observer = @Sendable (ProcessEvent) -> Void

    private struct Waiting {
        let command: ChildCommand
        let observer: Observer
        /// What it was told before it could hear it.
        var orders: [Order] = []
    }

    private let children: Children
    private let count: ChildCount
    private var running: [Int: Child] = [:] {
        didSet { count.set(running.count) }
    }
    private var waiting: [Int: Waiting] = [:]
    /// The numbers of `waiting`, and of some that were terminated meanwhile.
    private var queue = FairQueue<Int, Int>()

    init(_ children: Children, _ count: ChildCount) {
        self.children = children
        self.count = count
    }

    func add(_ number: Int, _ command: ChildCommand, graphID: String, _ observer: @escaping Observer) {
        waiting[number] = Waiting(command: command, observer: observer)
        queue.append(number, id: number, graphID: graphID)
    }

    /// One for a child that has ended is dropped.
    func order(_ number: Int, _ order: @escaping Order) {
        if let child = running[number] { return order(child) }
        waiting[number]?.orders.append(order)
    }

    /// A child that still waits never starts.
    func terminate(_ number: Int, graceMilliseconds: Int64) {
        if let child = running[number] { return child.terminate(graceMilliseconds: graceMilliseconds) }
        waiting.removeValue(forKey: number)?.observer(.ended(.killed(signal: Signal.terminate.rawValue)))
    }

    // MARK: SpawnQueue

    var isEmpty: Bool { queue.isEmpty }

    func startNext() {
        guard let number = queue.popFirst(), let next = waiting.removeValue(forKey: number) else { return }
        do {
            let child = try children.start(next.command, Watcher(self, number, next.observer))
            running[number] = child
            next.observer(.started)
            for order in next.orders { order(child) }
        } catch {
            next.observer(.ended(.notStarted(reason: "\(error)")))
        }
    }

    fileprivate func remove(_ number: Int) {
        running[number] = nil
    }
}

private final class Watcher: ChildHandler {
    private let table: ChildTable
    private let number: Int
    private let observer: ChildTable.Observer

    init(_ table: ChildTable, _ number: Int, _ observer: @escaping ChildTable.Observer) {
        self.table = table
        self.number = number
        self.observer = observer
    }

    func child(_ child: Child, wrote bytes: UnsafeRawBufferPointer, to stream: Child.Stream) {
        switch stream {
        case .output: observer(.stdout([UInt8](bytes)))
        case .errors: observer(.stderr([UInt8](bytes)))
        case .side: observer(.sideOutput([UInt8](bytes)))
        }
    }

    func child(_ child: Child, ended end: ChildEnd) {
        table.remove(number)
        observer(.ended(Executions.ProcessEnd(end)))
    }
}

extension Executions.ProcessEnd {
    fileprivate init(_ end: ChildEnd) {
        switch end {
        case .exited(let status): self = .exited(status: status)
        case .signalled(let signal): self = .killed(signal: signal.rawValue)
        case .failed(let reason): self = .notStarted(reason: reason)
        }
    }
}
