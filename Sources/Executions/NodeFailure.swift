import JSON

/// Why an attempt failed: a sentence for people, and details (a traceback, an exit status) as an object. Both are bounded,
/// whoever makes them: they are stored, logged and sent with every reading of the event.
package struct NodeFailure: Error, Sendable, Equatable {
    /// Of UTF-8: a long message of a compiler or a program, whole; more is a text, and belongs into the output.
    package static let messageBytesMax = 8 << 10
    /// Of JSON: room for a deep traceback beside the tail of a program's errors, which are cut where they arise.
    package static let detailsBytesMax = 64 << 10

    package let message: String
    package let details: JSONObject
    /// How long whoever refused it wants to be left alone, in place of what the node's `retry` says.
    package var retryAfterMilliseconds: Int64?

    package init(_ message: String, details: JSONObject = [:]) {
        self.message = message.cut(toBytes: Self.messageBytesMax)
        self.details = details.byteCount > Self.detailsBytesMax ? Self.cut(details) : details
    }

    /// Of a program that was ended for this reason, what it had said until then stays known.
    package func keepingWords(of failure: NodeFailure) -> NodeFailure {
        var details = self.details
        for key in ["stderr_tail", "stdout_tail"] { details[JSONKey(key)] = failure.details[JSONKey(key)] }
        let tail = (details["stderr_tail"] ?? details["stdout_tail"])?.string
        let last = tail?.split(whereSeparator: \.isNewline).last { !$0.allSatisfy(\.isWhitespace) }
        return NodeFailure(message + (last.map { ": \($0)" } ?? ""), details: details)
    }

    /// The same with more to say of it.
    package func adding(_ more: JSONObject) -> NodeFailure {
        var details = details
        for (key, value) in more { details[key] = value }
        var failure = NodeFailure(message, details: details)
        failure.retryAfterMilliseconds = retryAfterMilliseconds
        return failure
    }

    /// As many members as there is room for, and a word about the others.
    private static func cut(_ details: JSONObject) -> JSONObject {
        var kept = JSONObject()
        var left = detailsBytesMax - 256
        var (dropped, droppedBytes) = (0, 0)
        for (key, value) in details {
            let bytes = key.token.count + value.bytes.count + 2
            if key != "dropped", bytes <= left {
                kept[key] = value
                left -= bytes
            } else {
                dropped += 1
                droppedBytes += bytes
            }
        }
        let what = dropped == 1 ? "1 member" : "\(dropped) members"
        kept["dropped"] = JSONText("\(what) of \(droppedBytes) bytes: details have at most \(detailsBytesMax)")
        return kept
    }
}

extension String {
    /// The text itself, or as much of its beginning as fits with an ellipsis behind it.
    package func cut(toBytes bytesMax: Int) -> String {
        guard utf8.count > bytesMax else { return self }
        let ellipsis = "…"
        // Of a text with foreign storage the place is found without making it native.
        var end = utf8.index(utf8.startIndex, offsetBy: max(bytesMax - ellipsis.utf8.count, 0))
        while end > utf8.startIndex, UTF8.isContinuation(utf8[end]) { end = utf8.index(before: end) }
        return String(self[..<end]) + ellipsis
    }
}
