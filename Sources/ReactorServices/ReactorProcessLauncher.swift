// Orders to a child may come from any thread and at any time, its end included. So what is handed out knows the child by
// number only; the children themselves stand in a table that never leaves the reactor's thread.

import Executions
import Linux
import Reactor
import Synchronization

/// What holds for every child that runs a node's code.
package struct ChildConfinement: Sendable {
    /// Children reach nothing beneath these, whatever the permissions say.
    package var hiddenPaths: [String] = []
    /// Of each process; nil: the daemon's own limit.
    package var openFiles: Int?

    package init(hiddenPaths: [String] = [], openFiles: Int? = nil) {
        self.hiddenPaths = hiddenPaths
        self.openFiles = openFiles
    }

    func hides(_ path: String) -> Bool {
        hiddenPaths.contains { path == $0 || path.hasPrefix($0 + "/") }
    }
}

/// Starts children under `millrace-exec` from the reactor's thread; observers are called there.
package final class ReactorProcessLauncher: ProcessLauncher {
    private let mailbox: Mailbox
    private let table: Confined<ChildTable>
    private let lastNumber = Atomic<Int>(0)
    private let confinement: ChildConfinement
    package let count = ChildCount()

    /// - Parameter children: those of `reactor`. Called on the reactor's thread.
    package init(
        _ children: Children, on reactor: Reactor, confinement: ChildConfinement = ChildConfinement()
    ) {
        self.confinement = confinement
        mailbox = reactor.mailbox
        table = Confined(ChildTable(children, count), to: reactor)
    }

    package func launch(
        _ command: ProcessCommand, _ observer: @escaping @Sendable (ProcessEvent) -> Void
    ) -> any RunningProcess {
        let process = LaunchedProcess(
            number: lastNumber.wrappingAdd(1, ordering: .relaxed).newValue, mailbox: mailbox, table: table)
        mailbox.post { [table, confinement] reactor in
            table.open(on: reactor).start(process.number, ChildCommand(command, confinement), observer)
        }
        return process
    }
}

/// How many children run; for any thread.
package final class ChildCount: Sendable {
    private let count = Atomic<Int>(0)

    package var running: Int { count.load(ordering: .relaxed) }

    fileprivate func set(_ running: Int) { count.store(running, ordering: .relaxed) }
}

private struct LaunchedProcess: RunningProcess {
    let number: Int
    let mailbox: Mailbox
    let table: Confined<ChildTable>

    func write(_ bytes: [UInt8]) { order { $0.write(bytes) } }
    func closeInput() { order { $0.closeInput() } }
    func terminate(graceMilliseconds: Int) { order { $0.terminate(graceMilliseconds: Int64(graceMilliseconds)) } }
    func pauseReading() { order { $0.pauseReading() } }
    func resumeReading() { order { $0.resumeReading() } }

    private func order(_ action: @escaping @Sendable (Child) -> Void) {
        mailbox.post { [number, table] reactor in
            // Nil: it has ended, or never started.
            if let child = table.open(on: reactor).child(number) { action(child) }
        }
    }
}

/// The running children by number.
private final class ChildTable {
    private let children: Children
    private let count: ChildCount
    private var running: [Int: Child] = [:] {
        didSet { count.set(running.count) }
    }

    init(_ children: Children, _ count: ChildCount) {
        self.children = children
        self.count = count
    }

    func child(_ number: Int) -> Child? { running[number] }

    func start(_ number: Int, _ command: ChildCommand, _ observer: @escaping @Sendable (ProcessEvent) -> Void) {
        do {
            running[number] = try children.start(command, Watcher(self, number, observer))
        } catch {
            observer(.ended(.notStarted(reason: "\(error)")))
        }
    }

    func remove(_ number: Int) {
        running[number] = nil
    }
}

private final class Watcher: ChildHandler {
    private let table: ChildTable
    private let number: Int
    private let observer: @Sendable (ProcessEvent) -> Void

    init(_ table: ChildTable, _ number: Int, _ observer: @escaping @Sendable (ProcessEvent) -> Void) {
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

extension ChildCommand {
    fileprivate init(_ command: ProcessCommand, _ confinement: ChildConfinement) {
        var limits = Limits()
        limits.memoryBytes = command.limits.memoryBytes
        limits.files = command.limits.openFiles ?? confinement.openFiles
        limits.hiddenPaths = confinement.hiddenPaths
        let own = command.limits.ownFolders + [command.workingDirectory].compactMap { $0 }
        limits.writablePaths = own.filter(confinement.hides)
        self.init(
            command.arguments, environment: command.environment, workingDirectory: command.workingDirectory,
            limits: limits)
        hasSideOutput = command.hasSideOutput
    }
}
