import ArgumentParser
import Glibc

extension Millrace {
    /// Runs the command that the arguments name, and exits. What the argument parser has to say (help, the version, scripts
    /// for shells) goes the same way as all other output, so that it cannot get lost without a word either.
    static func main() {
        Terminal.holdClosedDescriptors()
        Glibc.exit(closingOutput(behind: status(of: Array(CommandLine.arguments.dropFirst()))))
    }

    private static func status(of arguments: [String]) -> Int32 {
        if let unknown = UnknownCommand(in: arguments, below: Millrace.self) {
            unknown.failure.report()
            return unknown.failure.status.code
        }
        do {
            var command = try parseAsRoot(arguments)
            try command.run()
            return CommandStatus.success.code
        } catch {
            return report(error, isScript: arguments.first?.hasPrefix(CompletionScript.option) ?? false)
        }
    }

    private static func report(_ error: any Error, isScript: Bool) -> Int32 {
        let code = exitCode(for: error).rawValue
        let message = fullMessage(for: error)
        let text = isScript ? CompletionScript.offeringDocuments(message) : message
        guard !text.isEmpty else { return code }
        guard code == CommandStatus.success.code else {
            Terminal.complain(text)
            return code
        }
        return reporting { () throws(OutputFailure) in try Terminal.print(text) } ?? code
    }

    /// A command that has done what it should fails all the same if nobody will see its output.
    private static func closingOutput(behind code: Int32) -> Int32 {
        let failure = reporting { () throws(OutputFailure) in try Terminal.closeOutput() }
        return code == CommandStatus.success.code ? failure ?? code : code
    }

    /// - Returns: the exit status of a failure.
    private static func reporting(_ output: () throws(OutputFailure) -> Void) -> Int32? {
        do {
            try output()
            return nil
        } catch {
            guard let failure = CommandFailure(error) else { return CommandStatus.error.code }
            failure.report()
            return failure.status.code
        }
    }
}
