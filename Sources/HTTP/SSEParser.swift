/// Reads an event stream, incrementally (WHATWG HTML, 9.2.6): lines end in CRLF, CR or LF.
package struct SSEParser: Sendable {
    /// The largest event by default: a node's completion carries its state several times, of up to 16 MiB each.
    package static let eventBytesMaxDefault = 96 * 1024 * 1024

    /// The id of the last event that had one: what to resume after.
    package private(set) var lastEventID = ""

    private let eventBytesMax: Int
    private var partial: [UInt8] = []
    private var data: [UInt8] = []
    private var hasData = false
    private var type = ""
    private var pendingID = ""
    private var isAtStart = true
    /// A CR ended the last line; an LF right behind it belongs to it.
    private var skipsLineFeed = false

    package enum Item: Sendable, Equatable {
        case event(Event)
        /// Without the colon and one space.
        case comment(String)
        case retry(milliseconds: UInt64)
    }

    package struct Event: Sendable, Equatable {
        /// The last id seen up to this event.
        package let id: String
        /// `message` where none was named.
        package let type: String
        /// The data lines, joined by LF.
        package let data: [UInt8]
    }

    /// An event grew past the limit: the stream cannot be read on.
    package struct EventTooLarge: Error, Sendable, Equatable {
        package let bytesMax: Int
    }

    package init(eventBytesMax: Int = SSEParser.eventBytesMaxDefault) {
        self.eventBytesMax = eventBytesMax
    }

    /// Takes all bytes and hands on what they complete. An event that the stream's end cuts off is never handed on.
    package mutating func consume(
        _ input: UnsafeRawBufferPointer, _ use: (Item) -> Void
    ) throws(EventTooLarge) {
        var offset = 0
        while offset < input.count {
            if skipsLineFeed {
                skipsLineFeed = false
                if input[offset] == ASCII.lineFeed {
                    offset += 1
                    continue
                }
            }
            let rest = input.part(offset..<input.count)
            guard let end = Self.lineEnd(in: rest) else {
                try check(rest.count)
                partial.append(contentsOf: rest)
                return
            }
            try check(end)
            skipsLineFeed = rest[end] == ASCII.carriageReturn
            offset += end + 1
            takeLine(endingWith: rest.part(0..<end), use)
        }
    }

    private func check(_ bytes: Int) throws(EventTooLarge) {
        guard data.count + partial.count + bytes <= eventBytesMax else { throw EventTooLarge(bytesMax: eventBytesMax) }
    }

    private static func lineEnd(in bytes: UnsafeRawBufferPointer) -> Int? {
        let lineFeed = bytes.firstIndex(ofByte: ASCII.lineFeed)
        return bytes.part(0..<(lineFeed ?? bytes.count)).firstIndex(ofByte: ASCII.carriageReturn) ?? lineFeed
    }

    private mutating func takeLine(endingWith tail: UnsafeRawBufferPointer, _ use: (Item) -> Void) {
        guard !partial.isEmpty else { return take(line: tail, use) }
        var line: [UInt8] = []
        swap(&line, &partial)
        line.append(contentsOf: tail)
        line.withUnsafeBytes { take(line: $0, use) }
    }

    private mutating func take(line: UnsafeRawBufferPointer, _ use: (Item) -> Void) {
        var line = line
        if isAtStart {
            isAtStart = false
            if line.starts(with: [0xEF, 0xBB, 0xBF]) { line = line.part(3..<line.count) }
        }
        guard let first = line.first else { return dispatch(use) }
        let colon = line.firstIndex(ofByte: ASCII.colon) ?? line.count
        var valueStart = min(colon + 1, line.count)
        if valueStart < line.count, line[valueStart] == ASCII.space { valueStart += 1 }
        let value = line.part(valueStart..<line.count)
        guard first != ASCII.colon else { return use(.comment(String(decoding: value, as: UTF8.self))) }
        take(field: line.part(0..<colon), value, use)
    }

    private mutating func take(field: UnsafeRawBufferPointer, _ value: UnsafeRawBufferPointer, _ use: (Item) -> Void) {
        if field.elementsEqual("data".utf8) {
            if hasData { data.append(ASCII.lineFeed) }
            data.append(contentsOf: value)
            hasData = true
        } else if field.elementsEqual("id".utf8) {
            if value.firstIndex(ofByte: 0) == nil { pendingID = String(decoding: value, as: UTF8.self) }
        } else if field.elementsEqual("event".utf8) {
            type = String(decoding: value, as: UTF8.self)
        } else if field.elementsEqual("retry".utf8), let milliseconds = ASCII.decimal(value) {
            use(.retry(milliseconds: milliseconds))
        }
    }

    private mutating func dispatch(_ use: (Item) -> Void) {
        lastEventID = pendingID
        defer { type = "" }
        guard hasData else { return }
        hasData = false
        var eventData: [UInt8] = []
        swap(&eventData, &data)
        use(.event(Event(id: lastEventID, type: type.isEmpty ? "message" : type, data: eventData)))
    }
}
