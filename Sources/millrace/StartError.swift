/// Why the daemon cannot start: one line that says what to do.
struct StartError: Error, CustomStringConvertible {
    let description: String
    let status: Int32

    init(_ description: String, status: Int32 = ExitStatus.other) {
        self.description = description
        self.status = status
    }
}
