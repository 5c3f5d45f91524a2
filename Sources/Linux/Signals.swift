import CLinux
import Glibc

/// The signals that the daemon knows by name; any other has only its number (signal(7)).
package struct Signal: RawRepresentable, Hashable, Sendable, CustomStringConvertible {
    package let rawValue: Int32
    package init(rawValue: Int32) { self.rawValue = rawValue }

    package static let terminate = Signal(rawValue: SIGTERM)
    package static let interrupt = Signal(rawValue: SIGINT)
    package static let hangUp = Signal(rawValue: SIGHUP)
    package static let kill = Signal(rawValue: SIGKILL)
    package static let pipe = Signal(rawValue: SIGPIPE)
    package static let user1 = Signal(rawValue: SIGUSR1)
    package static let user2 = Signal(rawValue: SIGUSR2)
    package static let child = Signal(rawValue: SIGCHLD)
    package static let cpuTime = Signal(rawValue: SIGXCPU)
    package static let fileSize = Signal(rawValue: SIGXFSZ)

    /// Such as `signal 15 (Terminated)`.
    package var description: String {
        guard let name = strsignal(rawValue) else { return "signal \(rawValue)" }
        return "signal \(rawValue) (\(String(cString: name)))"
    }
}

/// How a process is told about signals.
package enum Signals {
    /// pthread_sigmask(3) SIG_BLOCK. Threads inherit the mask: call it first in main, so that no thread is
    /// interrupted and a `SignalDescriptor` gets them all.
    package static func block(_ signals: [Signal]) {
        var set = sigset_t(signals)
        let code = pthread_sigmask(SIG_BLOCK, &set, nil)
        precondition(code == 0, "SIG_BLOCK is a valid operation")
    }

    /// pthread_sigmask(3) SIG_UNBLOCK, of the calling thread.
    package static func unblock(_ signals: [Signal]) {
        var set = sigset_t(signals)
        let code = pthread_sigmask(SIG_UNBLOCK, &set, nil)
        precondition(code == 0, "SIG_UNBLOCK is a valid operation")
    }

    /// signal(2) SIG_IGN, for the whole process. Children do not inherit it (`ChildProcess` resets them).
    package static func ignore(_ signal: Signal) {
        _ = Glibc.signal(signal.rawValue, SIG_IGN)
    }

    /// pthread_kill(3) of the calling thread.
    package static func sendToCurrentThread(_ signal: Signal) {
        pthread_kill(pthread_self(), signal.rawValue)
    }

    /// kill(2).
    package static func send(_ signal: Signal, toProcess processID: Int32) throws(SystemError) {
        try checked("kill \(processID)") { Glibc.kill(processID, signal.rawValue) }
    }
}

/// signalfd(2): blocked signals as something to read.
package struct SignalDescriptor: ~Copyable, Sendable {
    package let descriptor: Descriptor

    /// The signals must be blocked in all threads (`Signals.block`), or they take their default effect.
    package init(_ signals: [Signal]) throws(SystemError) {
        var set = sigset_t(signals)
        descriptor = Descriptor(owning: try checked("signalfd") { clinux_signalfd(&set) })
    }

    /// The next signal and the process that sent it (0: the kernel); nil when there is none.
    package borrowing func next() -> (signal: Signal, sender: Int32)? {
        let raw = descriptor.raw
        var info = signalfd_siginfo()
        let (count, _) = uninterrupted { read(raw, &info, MemoryLayout<signalfd_siginfo>.size) }
        guard count == MemoryLayout<signalfd_siginfo>.size else { return nil }
        return (Signal(rawValue: Int32(info.ssi_signo)), Int32(bitPattern: info.ssi_pid))
    }
}

extension sigset_t {
    init(_ signals: [Signal]) {
        self.init()
        sigemptyset(&self)
        for signal in signals { sigaddset(&self, signal.rawValue) }
    }
}
