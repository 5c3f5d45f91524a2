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
        var isCancelling = false
        // However it ends, the terminal is put back.
        defer { view.finish(model) }
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
                view.show(event, model)
            case .idle: view.refresh(model, notice: source.notice ?? (isCancelling ? Self.cancelling : nil))
            case .end: return model.ending.map { CommandStatus(execution: $0.status) } ?? .success
            }
        }
    }

    private static let cancelling = "cancelling; Ctrl-C again leaves without waiting"
}
