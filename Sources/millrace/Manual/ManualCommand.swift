import ArgumentParser
import Glibc
import Linux

/// For the packaging: writes the manual. Not shown by --help.
struct ManualCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "manual", abstract: "Write the pages of the manual into a folder.",
        prose: """
            One page for each command, and some for the files and protocols. The installation does it.

              millrace manual man && man -l man/millrace-serve.1
            """,
        shouldDisplay: false)

    @Argument(help: "The folder; it must exist.", completion: .directory)
    var folder: String

    func run() throws {
        try reportingFailures {
            for page in ManualPage.all {
                let path = "\(folder)/\(page.fileName)"
                guard let file = fopen(path, "we") else {
                    throw CommandFailure("cannot write \(path): \(Self.reason(errno))")
                }
                let bytes = Array(page.text.utf8)
                let count = fwrite(bytes, 1, bytes.count, file)
                guard fclose(file) == 0, count == bytes.count else {
                    throw CommandFailure("cannot write \(path): \(Self.reason(errno))")
                }
            }
            return .success
        }
    }

    private static func reason(_ code: Int32) -> String { String(cString: strerror(code)) }
}
