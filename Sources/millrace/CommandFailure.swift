import ArgumentParser
import Client
import Glibc
import HTTP

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
    /// The command line, or a variable that stands for a part of it, says nothing that could be done.
    case usage
    /// A signal ended the command before the execution has ended.
    case left(signal: Int32)

    var code: Int32 {
        switch self {
        case .success: 0
        case .error: 1
        case .cancelled: 3
        case .failed: 4
        case .unreachable: 5
        case .usage: EX_USAGE
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

    /// What each means, for people.
    static let meanings: [(status: CommandStatus, words: String)] = [
        (.success, "success"),
        (.error, "a node ended in error, or what was asked for could not be done, or its output not be written"),
        (.cancelled, "cancelled"), (.failed, "the execution failed"), (.unreachable, "no daemon answers"),
        (.usage, "wrong usage"), (.left(signal: SIGINT), "left by Ctrl-C"),
    ]

    /// For `--help`.
    static let help = "Exit status: " + meanings.map { "\($0.status.code) \($0.words)" }.joined(separator: "; ") + "."
}

/// Why a command could not do what was asked for, in one or more lines that say what to do.
struct CommandFailure: Error, CustomStringConvertible {
    /// Empty where there is nobody to say it to.
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
        case let error as ClientError:
            self.init(TerminalWords.translated(error.description), status: CommandStatus(error))
        case let failure as OutputFailure where failure.isReaderGone: self.init("", status: .left(signal: SIGPIPE))
        default: self.init("\(error)")
        }
    }

    /// Says it on stderr.
    func report() {
        guard !description.isEmpty else { return }
        for line in TerminalText.lines(description) { Terminal.complain("millrace: \(line)") }
    }
}

extension CommandStatus {
    init(_ error: ClientError) {
        switch error {
        case .unreachable, .connectionLost, .timedOut: self = .unreachable
        case .interrupted: self = .left(signal: SIGINT)
        // A proxy says so where the daemon behind it does not answer.
        case .refused(let problem) where ["http_502", "http_503", "http_504"].contains(problem.code):
            self = .unreachable
        case .refused, .untrusted, .elsewhere, .malformed, .tooLarge: self = .error
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
            failure.report()
            throw ExitCode(failure.status.code)
        }
        if status != .success { throw ExitCode(status.code) }
    }
}
