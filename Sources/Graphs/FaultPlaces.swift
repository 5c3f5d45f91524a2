// Faults are found in the JSON that a document is, and people see its text. Only where there are faults the text is read once
// more: what they point to is looked for in JSON, and each place of that JSON is known by its byte (JSON), or by marks that the
// reader of YAML leaves.

import JSON

extension GraphFaults {
    /// The same faults, each with its place in the text that they were found in. What is missing stands where it is missed;
    /// what an alias of YAML repeats stands where it is written, and the alias itself where the alias is.
    package func placed(in text: [UInt8], _ format: GraphFormat) -> GraphFaults {
        guard faults.contains(where: { $0.place == nil }) else { return self }
        let text = Graph.withoutByteOrderMark(text)
        var found: [Int: TextPlace] = [:]
        switch format {
        case .json: found = TextPlace.places(ofBytes: offsets(in: text), in: text)
        case .yaml:
            if let (json, marks) = YAMLReader.marked(text) {
                found = offsets(in: json).mapValues { marks.place(at: $0) }
            }
        }
        let placed = faults.enumerated().map { index, fault in
            var fault = fault
            fault.place = fault.place ?? found[index] ?? .start
            return fault
        }
        return GraphFaults(placed, count: count, code: code)
    }

    /// By the number of the fault: at which byte of `json` that stands to which it points.
    private func offsets(in json: [UInt8]) -> [Int: Int] {
        let root = Wanted()
        for (index, fault) in faults.enumerated() where fault.place == nil {
            let tokens = (try? JSONPointer(parsing: fault.pointer))?.tokens ?? []
            root.add(index, tokens[...], isOfKey: fault.isOfKey)
        }
        return json.withUnsafeBytes { text in
            var scanner = PlaceScanner(text)
            scanner.value(root)
            return scanner.offsets
        }
    }
}

/// What is looked for in a value and its parts.
private final class Wanted {
    /// Numbers of faults.
    private(set) var values: [Int] = []
    private(set) var keys: [Int] = []
    private(set) var parts: [String: Wanted] = [:]

    func add(_ fault: Int, _ tokens: ArraySlice<String>, isOfKey: Bool) {
        guard let token = tokens.first else {
            if isOfKey { keys.append(fault) } else { values.append(fault) }
            return
        }
        let part = parts[token] ?? Wanted()
        parts[token] = part
        part.add(fault, tokens.dropFirst(), isOfKey: isOfKey)
    }

    /// All that is looked for here and below.
    var all: [Int] { values + keys + parts.values.flatMap(\.all) }
}

/// Goes once through a JSON text that is valid, with white space in it or not.
private struct PlaceScanner {
    private let text: UnsafeRawBufferPointer
    private var position = 0
    private(set) var offsets: [Int: Int] = [:]

    init(_ text: UnsafeRawBufferPointer) {
        self.text = text
    }

    /// Steps over a value, and notes where what is wanted stands. What is not found below stands at its beginning.
    mutating func value(_ wanted: Wanted?) {
        skipSpace()
        guard position < text.count else { return }
        for fault in wanted?.all ?? [] { offsets[fault] = position }
        switch text[position] {
        case UInt8(ascii: "{"): members(wanted)
        case UInt8(ascii: "["): elements(wanted)
        case UInt8(ascii: "\""): string()
        default: word()
        }
    }

    private mutating func members(_ wanted: Wanted?) {
        while next(UInt8(ascii: "}")) {
            let start = position
            string()
            let part = wanted.flatMap { $0.parts.isEmpty ? nil : $0.parts[key(start..<position)] }
            skipSpace()
            position += 1
            value(part)
            for fault in part?.keys ?? [] { offsets[fault] = start }
        }
    }

    private mutating func elements(_ wanted: Wanted?) {
        var index = 0
        while next(UInt8(ascii: "]")) {
            value(wanted.flatMap { $0.parts.isEmpty ? nil : $0.parts[String(index)] })
            index += 1
        }
    }

    /// Steps over an opening bracket or a comma. False behind the closing one.
    private mutating func next(_ end: UInt8) -> Bool {
        skipSpace()
        guard position < text.count else { return false }
        let byte = text[position]
        position += 1
        if byte == end { return false }
        skipSpace()
        guard position < text.count, text[position] != end else {
            position += 1
            return false
        }
        return true
    }

    private func key(_ token: Range<Int>) -> String {
        let token = UnsafeRawBufferPointer(rebasing: text[token])
        return (try? JSONText(parsing: token))?.string ?? ""
    }

    private mutating func string() {
        position += 1
        while position < text.count, text[position] != UInt8(ascii: "\"") {
            position += text[position] == UInt8(ascii: "\\") ? 2 : 1
        }
        position += 1
    }

    private mutating func word() {
        while position < text.count, !",]} \t\r\n".utf8.contains(text[position]) { position += 1 }
    }

    private mutating func skipSpace() {
        while position < text.count, " \t\r\n".utf8.contains(text[position]) { position += 1 }
    }
}

extension TextPlace {
    /// The place of a byte.
    static func place(ofByte offset: Int, in text: [UInt8]) -> TextPlace {
        places(ofBytes: [0: offset], in: text)[0] ?? .start
    }

    /// The places of bytes, by whatever they are called; a line ends with LF, CR LF or CR.
    static func places<Name: Hashable>(ofBytes offsets: [Name: Int], in text: [UInt8]) -> [Name: TextPlace] {
        var places: [Name: TextPlace] = [:]
        var (line, column, position) = (1, 1, 0)
        for (name, offset) in offsets.sorted(by: { $0.value < $1.value }) {
            while position < min(offset, text.count) {
                let byte = text[position]
                position += 1
                switch byte {
                case UInt8(ascii: "\r") where position < text.count && text[position] == UInt8(ascii: "\n"): break
                case UInt8(ascii: "\r"), UInt8(ascii: "\n"): (line, column) = (line + 1, 1)
                // The rest of a character of several bytes counts with its first.
                case 0x80..<0xC0: break
                default: column += 1
                }
            }
            places[name] = TextPlace(line: line, column: column)
        }
        return places
    }
}
