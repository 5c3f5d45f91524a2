import Executions
import Reactor
import Server

/// The graceful stop, step by step: nothing starts any more that would wait for something; what runs gets its time, and is
/// interrupted when that is over; the last events go out; streams end. What is unfinished then is taken up by the next daemon.
final class Drain {
    /// Between two looks at what still runs.
    private static let lookMilliseconds: Int64 = 20
    /// For which connections that are kept alive may still bring a request, and learn that they are to come back: a close
    /// that crosses a request on its way looks like a broken server.
    private static let courtesyMilliseconds: Int64 = 300
    /// What interrupted nodes may take to end: SIGTERM, after a second SIGKILL, and some.
    private static let interruptMilliseconds: Int64 = 5_000
    /// What clients may take to read the last bytes.
    private static let farewellMilliseconds: Int64 = 2_000
    private static let lastWordMilliseconds: Int64 = 200

    private let reactor: Reactor
    private let service: ExecutionService
    private let server: Server
    private let finished: () -> Void
    /// When what runs has had its time.
    private var graceEnd: Int64 = 0

    init(_ reactor: Reactor, _ service: ExecutionService, _ server: Server, finished: @escaping () -> Void) {
        self.reactor = reactor
        self.service = service
        self.server = server
        self.finished = finished
    }

    /// - Parameter graceMilliseconds: for nodes that run.
    func begin(graceMilliseconds: Int) {
        graceEnd = reactor.now() + Int64(graceMilliseconds) * 1_000_000
        if !server.hasSuccessor { service.close() }
        server.drain()
        service.hold()
        settle { [self] in awaitRequests() }
    }

    /// Goes on once nothing runs any more, by itself or because it is interrupted.
    private func settle(_ goOn: @escaping () -> Void) {
        wait(until: graceEnd, isQuiet) { [self] inTime in
            if inTime { return goOn() }
            service.interrupt()
            when(within: Self.interruptMilliseconds, isQuiet) { _ in goOn() }
        }
    }

    /// What the last requests have started is a matter of computing, and has mostly ended before anybody looks.
    private func awaitRequests() {
        when(within: Self.courtesyMilliseconds, { [self] in !server.hasIdleConnections }) { [self] _ in
            settle { [self] in awaitReaders() }
        }
    }

    private func awaitReaders() {
        server.sayFarewell()
        when(within: Self.farewellMilliseconds, hasSaidFarewell) { [self] _ in
            service.interrupt()
            settle { [self] in
                // What was interrupted at last has somebody who waits, too.
                server.sayFarewell()
                when(within: Self.lastWordMilliseconds, { [self] in server.isQuiet }) { [self] _ in
                    server.closeConnections()
                    finished()
                }
            }
        }
    }

    /// By a connection that was not idle a request may have come since.
    private func hasSaidFarewell() -> Bool {
        if isQuiet() { server.sayFarewell() }
        return server.isQuiet
    }

    /// Nothing runs, and all that has happened is stored.
    private func isQuiet() -> Bool {
        service.isQuiet && service.unfinished.allSatisfy { $0.storedChange == $0.change }
    }

    /// Goes on once the condition holds, or the time is over.
    private func when(
        within milliseconds: Int64, _ holds: @escaping () -> Bool, _ goOn: @escaping (_ inTime: Bool) -> Void
    ) {
        wait(until: reactor.now() + milliseconds * 1_000_000, holds, goOn)
    }

    private func wait(until deadline: Int64, _ holds: @escaping () -> Bool, _ goOn: @escaping (Bool) -> Void) {
        if holds() { return goOn(true) }
        if reactor.now() >= deadline { return goOn(false) }
        _ = reactor.schedule(afterMilliseconds: Self.lookMilliseconds) { [self] in wait(until: deadline, holds, goOn) }
    }
}
