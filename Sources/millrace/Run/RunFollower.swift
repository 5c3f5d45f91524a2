import Client
import Linux

/// Follows an execution to its end, and minds the signals on the way.
struct RunFollower {
    /// What Ctrl-C means.
    enum OnInterrupt {
        /// The first one cancels the execution, whose end is still shown; the second one leaves.
        case cancel
        case leave
    }

    let source: any EventSource
    let view: any RunView
    let interrupts: Interrupts
    let onInterrupt: OnInterrupt
    var clock = ViewClock()

    /// - Returns: how the execution has ended, or that the command was left before.
    func follow() throws -> CommandStatus {
        var model = RunViewModel()
        let status: CommandStatus
        do {
            status = try follow(&model)
        } catch {
            // However it ends, the terminal is put back.
            try? view.finish(model)
            throw error
        }
        try view.finish(model)
        return status
    }

    private func follow(_ model: inout RunViewModel) throws -> CommandStatus {
        var isCancelling = false
        while true {
            let step = try source.next(timeoutMilliseconds: view.waitMilliseconds)
            if let signal = interrupts.take() {
                guard onInterrupt == .cancel, signal == .interrupt, !isCancelling else {
                    return .left(signal: signal.rawValue)
                }
                isCancelling = true
                try source.cancel()
            }
            switch step {
            case .event(let event):
                model.apply(event, wallMicroseconds: clock.now)
                try view.show(event, model)
            case .idle: try view.refresh(model, notice: source.notice ?? (isCancelling ? Self.cancelling : nil))
            case .end: return model.ending.map { CommandStatus(execution: $0.status) } ?? .success
            }
        }
    }

    private static let cancelling = "cancelling; Ctrl-C again leaves without waiting"
}
