import JSON

/// Turns a YAML text into JSON: one document, string keys, numbers as they were written, key order kept.
///
/// The JSON is written while libyaml's events come in, so nothing is held twice. An anchor remembers which part of the
/// output it names, and an alias repeats that part; what aliases may add is counted before it is added. Syntax errors
/// and bounds end the reading; all other faults are gathered.
struct YAMLReader: ~Copyable {
    /// A part of the output that aliases can name.
    private struct Anchored {
        let range: Range<Int>
        /// Levels of arrays and objects in it.
        let height: Int
        /// Its members if it is a mapping: what a merge key takes over.
        let members: [Member]?
    }

    private struct Member {
        let key: JSONKey
        let value: Range<Int>
        let height: Int

        /// Where its key begins.
        var keyStart: Int { value.lowerBound - 1 - key.token.count }
    }

    private var events: YAMLEvents
    private var output = ByteWriter()
    private var anchors: [String: Anchored] = [:]
    private var aliasBytes = 0
    private var depth = 0
    /// Where the parts of the output stand in the text; nil where nobody asks.
    private var marks: YAMLMarks?
    /// Where the value begins that is read.
    private var place = TextPlace.start
    private let faults = FaultCollector()

    /// The document in `text` as JSON.
    static func json(from text: [UInt8]) throws(GraphFaults) -> JSONText {
        guard text.count <= GraphBounds.documentBytesMax else {
            throw GraphFaults(Wording.tooLarge(text.count), place: .start)
        }
        let bytes = try text.withUnsafeBufferPointer { text throws(GraphFaults) in
            var reader = YAMLReader(text)
            return try reader.read()
        }
        do {
            return try JSONText(parsing: bytes, limits: JSONLimits(depthMax: GraphBounds.depthMax))
        } catch {
            throw GraphFaults(error.message)
        }
    }

    /// The document in `text` as JSON, and where its parts stand in the text; nil for a text that cannot be read.
    static func marked(_ text: [UInt8]) -> (json: [UInt8], marks: YAMLMarks)? {
        text.withUnsafeBufferPointer { text in
            var reader = YAMLReader(text)
            reader.marks = YAMLMarks()
            guard let json = try? reader.read(), let marks = reader.marks else { return nil }
            return (json, marks)
        }
    }

    private init(_ text: UnsafeBufferPointer<UInt8>) {
        events = YAMLEvents(text)
    }

    private mutating func read() throws(GraphFaults) -> [UInt8] {
        do {
            try document()
        } catch {
            switch error {
            case .syntax(let message, let place): throw GraphFaults(message, place: place)
            case .bound(let message): faults.add(message, place: place)
            }
        }
        try faults.throwIfAny()
        return output.bytes
    }

    private mutating func document() throws(YAMLStop) {
        guard case .documentStart = try events.next().content else { throw .syntax("the document is empty", .start) }
        _ = try value(try events.next())
        _ = try events.next()
        let next = try events.next()
        guard case .streamEnd = next.content else {
            throw .syntax("a second document begins; a text holds one graph", next.place)
        }
    }

    /// Writes the value that begins with `event` and gives its height.
    private mutating func value(_ event: YAMLEvent) throws(YAMLStop) -> Int {
        let start = output.count
        place = event.place
        marks?.add(event.place, at: start)
        switch event.content {
        case .alias(let name): return try alias(name, event)
        case .scalar(let scalar, let anchor):
            self.scalar(scalar, event)
            remember(anchor, start, height: 0)
            return 0
        case .sequenceStart(let tag, let anchor):
            check(tag, is: "seq", event)
            let height = try sequence()
            remember(anchor, start, height: height)
            return height
        case .mappingStart(let tag, let anchor):
            check(tag, is: "map", event)
            let (height, members) = try mapping(keepsMembers: anchor != nil)
            remember(anchor, start, height: height, members: members)
            return height
        case .documentStart, .documentEnd, .streamEnd, .collectionEnd:
            preconditionFailure("libyaml gives a value's events in order")
        }
    }

    private mutating func remember(_ anchor: String?, _ start: Int, height: Int, members: [Member]? = nil) {
        guard let anchor else { return }
        anchors[anchor] = Anchored(range: start..<output.count, height: height, members: members)
    }

    private func check(_ tag: String?, is kind: String, _ event: YAMLEvent) {
        guard let tag, tag != "!", tag != "tag:yaml.org,2002:" + kind else { return }
        faults.add("the tag \(Suggestion.quoted(tag)) does not fit", place: event.place)
    }
}

// MARK: - Values

extension YAMLReader {
    private mutating func scalar(_ scalar: YAMLScalar, _ event: YAMLEvent) {
        switch scalar.meaning {
        case .null: output.append("null")
        case .bool(let value): output.append(value ? "true" : "false")
        case .number(let token): output.append(token)
        case .string(let text): text.withUnsafeBytes { output.appendJSONString(utf8: $0) }
        case .refused(let reason):
            output.append("null")
            faults.add(reason, place: event.place)
        }
    }

    private mutating func sequence() throws(YAMLStop) -> Int {
        try descend()
        output.append(byte: UInt8(ascii: "["))
        var height = 0
        var index = 0
        while true {
            let event = try events.next()
            if case .collectionEnd = event.content { break }
            if index > 0 { output.append(byte: UInt8(ascii: ",")) }
            faults.enter(index)
            height = max(height, try value(event))
            faults.leave()
            index += 1
        }
        output.append(byte: UInt8(ascii: "]"))
        depth -= 1
        return height + 1
    }

    private mutating func alias(_ name: String, _ event: YAMLEvent) throws(YAMLStop) -> Int {
        guard let anchored = anchors[name] else {
            output.append("null")
            faults.add("no anchor before this names \(Suggestion.quoted(name))", place: event.place)
            return 0
        }
        try repeatPart(anchored.range, height: anchored.height)
        return anchored.height
    }

    /// Writes a part of the output once more.
    private mutating func repeatPart(_ range: Range<Int>, height: Int) throws(YAMLStop) {
        try count(range.count)
        guard depth + height <= GraphBounds.depthMax else { throw tooDeep }
        marks?.copy(range, to: output.count)
        output.append(output.withUnsafeBytes { [UInt8]($0[range]) })
    }

    private mutating func count(_ bytes: Int) throws(YAMLStop) {
        aliasBytes += bytes
        guard aliasBytes <= GraphBounds.aliasBytesMax else {
            throw .bound("aliases and merge keys repeat more than \(GraphBounds.aliasBytesMax) bytes")
        }
    }

    private mutating func descend() throws(YAMLStop) {
        depth += 1
        guard depth <= GraphBounds.depthMax else { throw tooDeep }
    }

    private var tooDeep: YAMLStop { .bound("arrays and objects nest deeper than \(GraphBounds.depthMax) levels") }
}

// MARK: - Mappings

extension YAMLReader {
    /// A mapping while its members come in.
    private struct OpenMapping {
        var keys: Set<JSONKey> = []
        var members: [Member] = []
        var merges: [Anchored] = []
        var height = 0
    }

    private mutating func mapping(keepsMembers: Bool) throws(YAMLStop) -> (height: Int, members: [Member]?) {
        try descend()
        output.append(byte: UInt8(ascii: "{"))
        var mapping = OpenMapping()
        var index = 0
        while true {
            let event = try events.next()
            if case .collectionEnd = event.content { break }
            if case .scalar(let scalar, nil) = event.content, scalar.isMergeKey {
                try merge(into: &mapping)
            } else {
                try member(event, index, of: &mapping, keepsMembers)
            }
            index += 1
        }
        for merge in mapping.merges { try takeOver(merge, into: &mapping, keepsMembers) }
        output.append(byte: UInt8(ascii: "}"))
        depth -= 1
        return (mapping.height + 1, keepsMembers ? mapping.members : nil)
    }

    private mutating func member(
        _ event: YAMLEvent, _ index: Int, of mapping: inout OpenMapping, _ keepsMembers: Bool
    ) throws(YAMLStop) {
        let name = try key(event)
        let key = JSONKey(name)
        faults.enter(name, index)
        begin(key, in: &mapping, event)
        let start = output.count
        let height = try value(try events.next())
        mapping.height = max(mapping.height, height)
        if keepsMembers { mapping.members.append(Member(key: key, value: start..<output.count, height: height)) }
        faults.leave()
    }

    private mutating func begin(_ key: JSONKey, in mapping: inout OpenMapping, _ event: YAMLEvent) {
        if !mapping.keys.isEmpty { output.append(byte: UInt8(ascii: ",")) }
        marks?.add(event.place, at: output.count)
        if !mapping.keys.insert(key).inserted { faults.add("the key stands here a second time", place: event.place) }
        output.append(key: key)
        output.append(byte: UInt8(ascii: ":"))
    }

    /// The text of a key. A key that is no string is a fault of the mapping that it stands in.
    private mutating func key(_ event: YAMLEvent) throws(YAMLStop) -> String {
        guard case .scalar(let scalar, let anchor) = event.content else {
            faults.add("a key must be a string", place: event.place)
            // The output is void from here on; the value is read for the faults in it.
            _ = try value(event)
            return "?"
        }
        let text = String(decoding: scalar.text, as: UTF8.self)
        guard case .string = scalar.meaning else {
            faults.add("a key must be a string: quote \(Suggestion.quoted(text))", place: event.place)
            return text
        }
        if let anchor { faults.add("a key cannot be an anchor: \(Suggestion.quoted(anchor))", place: event.place) }
        return text
    }

    /// Notes what the value of a merge key names: an alias, or a list of them.
    private mutating func merge(into mapping: inout OpenMapping) throws(YAMLStop) {
        let event = try events.next()
        if case .sequenceStart = event.content {
            while true {
                let element = try events.next()
                if case .collectionEnd = element.content { return }
                try merge(element, into: &mapping)
            }
        }
        try merge(event, into: &mapping)
    }

    private mutating func merge(_ event: YAMLEvent, into mapping: inout OpenMapping) throws(YAMLStop) {
        if case .alias(let name) = event.content, let anchored = anchors[name], anchored.members != nil {
            mapping.merges.append(anchored)
            return
        }
        faults.add("a merge key takes an alias of a mapping, or a list of such", place: event.place)
        _ = try value(event)
    }

    /// Writes the members of `merge` whose keys the mapping does not have.
    private mutating func takeOver(
        _ merge: Anchored, into mapping: inout OpenMapping, _ keepsMembers: Bool
    ) throws(YAMLStop) {
        for member in merge.members ?? [] {
            // Counted even if the mapping has the key: to look at a member costs as well.
            try count(member.key.token.count)
            guard !mapping.keys.contains(member.key) else { continue }
            if !mapping.keys.isEmpty { output.append(byte: UInt8(ascii: ",")) }
            mapping.keys.insert(member.key)
            marks?.copyStart(of: member.keyStart..<member.value.lowerBound, to: output.count)
            output.append(key: member.key)
            output.append(byte: UInt8(ascii: ":"))
            let start = output.count
            marks?.copyStart(of: member.value, to: start)
            try repeatPart(member.value, height: member.height)
            mapping.height = max(mapping.height, member.height)
            if keepsMembers {
                mapping.members.append(Member(key: member.key, value: start..<output.count, height: member.height))
            }
        }
    }
}

extension YAMLScalar {
    /// `<<`, as written by those who mean the merge key of YAML 1.1 (yaml.org/type/merge.html).
    fileprivate var isMergeKey: Bool {
        (isPlain && tag == nil && text == Array("<<".utf8)) || tag == "tag:yaml.org,2002:merge"
    }
}
