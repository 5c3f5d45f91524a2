import ArgumentParser
import Client

/// How a command ends: its exit status.
enum CommandStatus: Equatable, Sendable {
    case success
    /// A node ended in error, or what was asked for could not be done.
    case error
    case cancelled
    /// A critical fault ended the execution.
    case failed
    /// No daemon answers, or the connection to it broke for good.
    case unreachable
    /// A signal ended the command before the execution has ended.
    case left(signal: Int32)

    var code: Int32 {
        switch self {
        case .success: 0
        case .error: 1
        case .cancelled: 3
        case .failed: 4
        case .unreachable: 5
        case .left(let signal): 128 + signal
        }
    }

    /// Of an execution that has ended.
    init(execution status: String) {
        switch status {
        case "success": self = .success
        case "cancelled": self = .cancelled
        case "failed": self = .failed
        default: self = .error
        }
    }

    /// For `--help`.
    static let help = """
        Exit status: 0 success; 1 a node ended in error, or what was asked for could not be done; 3 cancelled; 4 the
        execution failed; 5 no daemon answers; 64 wrong usage; 130 left by Ctrl-C.
        """
}

/// Why a command could not do what was asked for, in one or more lines that say what to do.
struct CommandFailure: Error, CustomStringConvertible {
    let description: String
    var status: CommandStatus

    init(_ description: String, status: CommandStatus = .error) {
        self.description = description
        self.status = status
    }
}

extension CommandFailure {
    /// The failure that any error means; nil for those that the argument parser reports itself.
    init?(_ error: any Error) {
        switch error {
        case is ExitCode, is ValidationError, is CleanExit: return nil
        case let failure as CommandFailure: self = failure
        case let error as ClientError: self.init(error.description, status: CommandStatus(error))
        default: self.init("\(error)")
        }
    }
}

extension CommandStatus {
    init(_ error: ClientError) {
        switch error {
        case .unreachable, .connectionLost, .timedOut: self = .unreachable
        case .interrupted: self = .left(signal: 2)
        case .refused, .malformed, .tooLarge: self = .error
        }
    }
}

extension ParsableCommand {
    /// Does the command's work. A failure becomes lines on stderr and the exit status.
    func reportingFailures(_ work: () throws -> CommandStatus) throws {
        let status: CommandStatus
        do {
            status = try work()
        } catch {
            guard let failure = CommandFailure(error) else { throw error }
            for line in TerminalText.lines(failure.description) { Terminal.complain("millrace: \(line)") }
            throw ExitCode(failure.status.code)
        }
        if status != .success { throw ExitCode(status.code) }
    }
}
