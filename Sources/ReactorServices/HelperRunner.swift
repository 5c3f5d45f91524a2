import Executions
import Linux
import Reactor

/// Runs short commands under `millrace-exec`, as confined as the children of nodes are.
package struct HelperRunner: CommandRunner {
    private let helperPath: String
    private let confinement: ChildConfinement

    package init(helperPath: String, confinement: ChildConfinement) {
        self.helperPath = helperPath
        self.confinement = confinement
    }

    package func run(
        _ command: ProcessCommand, input: [UInt8], outputBytesMax: Int, timeoutMilliseconds: Int
    ) -> [UInt8]? {
        try? ChildCommand(command, confinement).run(
            by: helperPath, input: input, outputBytesMax: outputBytesMax, timeoutMilliseconds: timeoutMilliseconds)
    }
}
