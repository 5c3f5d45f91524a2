import Glibc
import Reactor
import Systemd

/// Tells the service manager how the daemon stands. On the reactor's thread, so that a loop that hangs is silent, and the
/// manager's watchdog finds it.
final class ServiceReport {
    /// What the status line counts.
    struct Counts: Equatable {
        var running: Int
        var queued: Int
        var streams: Int
        /// Who may enter, in words.
        var entryRule: String
    }

    /// Often enough for a person who looks, and next to nothing for an idle daemon.
    private static let statusMilliseconds: Int64 = 2_000

    private let reactor: Reactor
    private let counts: () -> Counts
    /// What stays wrong until the next reload, in words.
    private var fault: String?
    private var lastStatus = ""
    private var isStopping = false

    init(_ reactor: Reactor, counts: @escaping () -> Counts) {
        self.reactor = reactor
        self.counts = counts
    }

    /// The daemon serves now.
    func serving() {
        if let milliseconds = ServiceManager.watchdogMilliseconds { keepAlive(every: milliseconds / 2) }
        lastStatus = status
        ServiceManager.notify(.ready, status: lastStatus)
        if ServiceManager.isListening { watchStatus() }
    }

    func reloading() {
        ServiceManager.notify(.reloading, status: "reloading; \(status)")
    }

    /// - Parameter fault: why the old configuration stays; nil: all is taken over.
    func reloaded(fault: String?) {
        self.fault = fault
        lastStatus = status
        ServiceManager.notify(.ready, status: lastStatus)
    }

    func stopping() {
        isStopping = true
        lastStatus = status
        ServiceManager.notify(.stopping, status: lastStatus)
    }

    private var status: String {
        let now = counts()
        let queued = now.queued > 0 ? ", \(now.queued) queued" : ""
        let line =
            "\(isStopping ? "stopping" : "serving"); \(now.running) execution\(now.running == 1 ? "" : "s") running\(queued), "
            + "\(now.streams) stream\(now.streams == 1 ? "" : "s"); \(now.entryRule)"
        return fault.map { "\(line); \($0)" } ?? line
    }

    private func watchStatus() {
        let status = status
        if status != lastStatus {
            lastStatus = status
            ServiceManager.notify(status: status)
        }
        _ = reactor.schedule(afterMilliseconds: Self.statusMilliseconds) { [weak self] in self?.watchStatus() }
    }

    private func keepAlive(every milliseconds: Int64) {
        ServiceManager.notify(.keepAlive)
        _ = reactor.schedule(afterMilliseconds: milliseconds) { [weak self] in self?.keepAlive(every: milliseconds) }
    }
}
