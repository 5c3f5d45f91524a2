/// Reads the lines of a response's head as libcurl hands them on: interim responses (1xx) come first, trailers last.
struct HeadReader {
    private var head = ReceivedHead(status: 0)
    private var bytes = 0
    private(set) var isDone = false

    enum Step {
        case more
        case head(ReceivedHead)
        case tooLong
    }

    mutating func take(_ line: UnsafeRawBufferPointer) -> Step {
        bytes += line.count
        guard bytes <= ClientSettings.headBytesMax else { return .tooLong }
        // Trailers say nothing that anybody reads here.
        guard !isDone else { return .more }
        let text = Substring(decoding: line, as: UTF8.self).trimmingBlanks()
        if text.hasPrefix("HTTP/") {
            head = ReceivedHead(status: Self.status(text))
        } else if text.isEmpty {
            guard head.status >= 200 else { return .more }
            isDone = true
            return .head(head)
        } else if let colon = text.firstIndex(of: ":") {
            let name = text[..<colon].lowercased()
            head.fields.append(.init(name: name, value: String(text[text.index(after: colon)...].trimmingBlanks())))
        }
        return .more
    }

    private static func status(_ line: Substring) -> Int {
        let words = line.split(separator: " ", maxSplits: 2)
        return words.count > 1 ? Int(words[1]) ?? 0 : 0
    }
}

extension Substring {
    /// Without blanks, tabs and line ends around it.
    fileprivate func trimmingBlanks() -> Substring {
        func isBlank(_ byte: UInt8) -> Bool { byte == 0x20 || byte == 0x09 || byte == 0x0D || byte == 0x0A }
        var (start, end) = (utf8.startIndex, utf8.endIndex)
        while start < end, isBlank(utf8[start]) { start = utf8.index(after: start) }
        while start < end, isBlank(utf8[utf8.index(before: end)]) { end = utf8.index(before: end) }
        return self[start..<end]
    }
}
