import ArgumentParser

struct PythonPathCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "python-path", abstract: "Print the folder of the Python module that nodes import.",
        prose: """
            With it, files of Python nodes that import millrace run outside of the daemon too, as in their tests: what they \
            emit and log is printed. Install it from there, or set the search path:

              pip install "$(millrace python-path)"
              PYTHONPATH="$(millrace python-path)" pytest
            """)

    func run() throws {
        try reportingFailures {
            try Terminal.print(Installation.find().pythonFolder)
            return .success
        }
    }
}
