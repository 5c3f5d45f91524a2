/// How large the parts of a response may be that a client keeps in memory. Bodies are handed on piece by piece.
package struct ResponseLimits: Sendable, Equatable {
    /// The status line without its CRLF: no reason phrase is that long.
    package var statusLineBytesMax = 1024
    /// All field lines with their CRLFs, as for requests.
    package var headerBytesMax = 32 * 1024
    /// Field lines, as for requests.
    package var headerFieldsMax = 100
    /// Interim responses (1xx) in front of one response; a server sends one or two.
    package var interimResponsesMax = 8

    package init() {}
}
