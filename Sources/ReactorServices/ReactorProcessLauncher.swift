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
    /// Children change nothing beneath these, whatever the permissions say.
    package var keptPaths: [String] = []
    /// Of one child and all that it starts, where that can be counted.
    package var processes: Int?
    /// Of the daemon's user, where it cannot.
    package var userProcesses: Int?
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
        let table = ChildTable(children, count)
        reactor.spawnQueue = table
        self.table = Confined(table, to: reactor)
    }

    package func launch(
        _ command: ProcessCommand, _ observer: @escaping @Sendable (ProcessEvent) -> Void
    ) -> any RunningProcess {
        let process = LaunchedProcess(
            number: lastNumber.wrappingAdd(1, ordering: .relaxed).newValue, mailbox: mailbox, table: table)
        let (helperCommand, graphID) = (ChildCommand(command, confinement), command.graphID)
        mailbox.post { [table] reactor in
            table.open(on: reactor).add(process.number, helperCommand, graphID: graphID, observer)
        }
        return process
    }
}

/// How many children run; for any thread.
package final class ChildCount: Sendable {
    private let count = Atomic<Int>(0)

    package var running: Int { count.load(ordering: .relaxed) }

    func set(_ running: Int) { count.store(running, ordering: .relaxed) }
}

private struct LaunchedProcess: RunningProcess {
    let number: Int
    let mailbox: Mailbox
    let table: Confined<ChildTable>

    func write(_ bytes: [UInt8]) { order { $0.write(bytes) } }
    func closeInput() { order { $0.closeInput() } }
    func pauseReading() { order { $0.pauseReading() } }
    func resumeReading() { order { $0.resumeReading() } }

    func terminate(graceMilliseconds: Int) {
        mailbox.post { [number, table] reactor in
            table.open(on: reactor).terminate(number, graceMilliseconds: Int64(graceMilliseconds))
        }
    }

    private func order(_ order: @escaping ChildTable.Order) {
        mailbox.post { [number, table] reactor in table.open(on: reactor).order(number, order) }
    }
}

extension ChildCommand {
    init(_ command: ProcessCommand, _ confinement: ChildConfinement) {
        var limits = Limits()
        limits.memoryBytes = command.limits.memoryBytes
        limits.files = command.limits.openFiles ?? confinement.openFiles
        limits.processes = confinement.processes
        limits.userProcesses = confinement.userProcesses
        limits.hiddenPaths = confinement.hiddenPaths
        limits.keptPaths = confinement.keptPaths
        let own = command.limits.ownFolders + [command.workingDirectory].compactMap { $0 }
        limits.writablePaths = own.filter(confinement.hides)
        self.init(
            command.arguments, environment: command.environment, workingDirectory: command.workingDirectory,
            limits: limits)
        hasSideOutput = command.hasSideOutput
    }
}
