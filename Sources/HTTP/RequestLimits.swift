/// How large the parts of a request may be. The defaults are the API's documented ones.
package struct RequestLimits: Sendable, Equatable {
    /// The request line without its CRLF: room for any path and a long query. Past it: 414.
    package var requestLineBytesMax = 8 * 1024
    /// All field lines with their CRLFs: a few large cookies or tokens fit. Past it: 431.
    package var headerBytesMax = 32 * 1024
    /// Field lines: browsers behind two proxies send about 30. Past it: 431.
    package var headerFieldsMax = 100
    /// The decoded body. A larger Content-Length is refused before a byte of the body is read. Past it: 413.
    package var bodyBytesMax = 8 * 1024 * 1024
    /// Trailer lines with their CRLFs; they are checked and dropped. Past it: 431.
    package var trailerBytesMax = 8 * 1024
    /// One chunk-size line with its extensions, without its CRLF: 16 digits and some extensions fit. Past it: 400.
    package var chunkLineBytesMax = 256
    /// The extensions of all chunks of a body: they mean nothing here, so a flood of them is only load. Past it: 400.
    package var chunkExtensionBytesMax = 16 * 1024
    /// Decoded query items: the API knows about ten names. Past it: 400.
    package var queryItemsMax = 100

    package init() {}
}
