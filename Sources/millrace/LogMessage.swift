/// What a log line says, always in the same words, so that lines can be searched for; what varies goes into its fields.
struct LogMessage: ExpressibleByStringLiteral, Sendable {
    let text: StaticString
    /// MESSAGE_ID of the journal (sd-id128(3)), for the messages that programs look for; deploy/systemd/millrace.catalog
    /// explains them.
    let journalID: StaticString?

    init(stringLiteral text: StaticString) {
        self.text = text
        journalID = nil
    }

    private init(_ text: StaticString, _ journalID: StaticString) {
        self.text = text
        self.journalID = journalID
    }

    static let executionStarted = LogMessage("execution started", "6bf722d0a8cc47bdbee171ce6e6042dd")
    static let executionEnded = LogMessage("execution ended", "f285ab741a2444ad96f75572765ed6c9")
    static let executionFailed = LogMessage("execution ended", "349930e37e794dc5a35bc2ede9f48937")
    static let nodeStarted = LogMessage("node started", "cd6fa631d2484308b39d21f8e11bcbf3")
    static let nodeEnded = LogMessage("node ended", "df899acaaefa443eb4b6c022e544892f")
    static let nodeFailed = LogMessage("node ended", "17edadff56cc48abb47c222aa7a8c989")
    static let configurationReloaded = LogMessage("reloaded the configuration", "3921f248495044b7947d639c5f042709")
    static let configurationRefused = LogMessage(
        "the configuration cannot be reloaded; the old one stays", "3133c4ba214e461d93b2042ec8c864c3")
    static let graphRefused = LogMessage("a graph was not loaded", "e88d68f2482646a0ad2ed547bfc9e958")
    static let statePutRight = LogMessage("modes of the state folder put right", "5d1c4c0b7f0e4f0d9c52c9be0b8a6f31")
    static let audit = LogMessage("audit", "90bdee3a99b544a79074c2661da1b48f")
}
