import CYaml

/// What libyaml met next in a YAML text, with its place.
struct YAMLEvent {
    enum Content {
        case documentStart, documentEnd, streamEnd
        case alias(String)
        case scalar(YAMLScalar, anchor: String?)
        case sequenceStart(tag: String?, anchor: String?)
        case mappingStart(tag: String?, anchor: String?)
        case collectionEnd
    }

    let content: Content
    let place: TextPlace
}

/// A scalar as written: its text (quotes, escapes and folding undone), its tag, and whether it was quoted.
struct YAMLScalar {
    let text: [UInt8]
    let tag: String?
    let isPlain: Bool
}

/// Why reading a YAML text cannot go on.
enum YAMLStop: Error {
    /// The text is no YAML.
    case syntax(String, TextPlace)
    /// The text is YAML, but the value being read goes beyond a bound.
    case bound(String)
}

/// libyaml's event parser on a text in memory (`yaml_parser_parse`).
///
/// Events rather than a composed tree: the reader can stop at the first value that is too deep, count what aliases
/// repeat before repeating it, and name the place of a duplicate key.
struct YAMLEvents: ~Copyable {
    private let parser: UnsafeMutablePointer<yaml_parser_t>
    private let text: UnsafeBufferPointer<UInt8>

    /// `text` must outlive the parser, which reads from it in place.
    init(_ text: UnsafeBufferPointer<UInt8>) {
        // libyaml keeps a pointer to the parser inside it, so it must not move.
        parser = .allocate(capacity: 1)
        self.text = text
        precondition(yaml_parser_initialize(parser) == 1, "out of memory")
        yaml_parser_set_encoding(parser, YAML_UTF8_ENCODING)
        yaml_parser_set_input_string(parser, text.baseAddress, text.count)
    }

    deinit {
        yaml_parser_delete(parser)
        parser.deallocate()
    }

    /// The next event. Not to be called again after `streamEnd` or an error.
    mutating func next() throws(YAMLStop) -> YAMLEvent {
        while true {
            var event = yaml_event_t()
            guard yaml_parser_parse(parser, &event) == 1 else { throw problem() }
            defer { yaml_event_delete(&event) }
            guard let content = Self.content(of: event) else { continue }
            return YAMLEvent(content: content, place: TextPlace(event.start_mark))
        }
    }

    private static func content(of event: yaml_event_t) -> YAMLEvent.Content? {
        switch event.type {
        case YAML_DOCUMENT_START_EVENT: return .documentStart
        case YAML_DOCUMENT_END_EVENT: return .documentEnd
        case YAML_STREAM_END_EVENT: return .streamEnd
        case YAML_ALIAS_EVENT: return .alias(string(event.data.alias.anchor) ?? "")
        case YAML_SCALAR_EVENT:
            let scalar = event.data.scalar
            let text = [UInt8](UnsafeBufferPointer(start: scalar.value, count: scalar.length))
            return .scalar(
                YAMLScalar(text: text, tag: string(scalar.tag), isPlain: scalar.style == YAML_PLAIN_SCALAR_STYLE),
                anchor: string(scalar.anchor))
        case YAML_SEQUENCE_START_EVENT:
            let start = event.data.sequence_start
            return .sequenceStart(tag: string(start.tag), anchor: string(start.anchor))
        case YAML_MAPPING_START_EVENT:
            let start = event.data.mapping_start
            return .mappingStart(tag: string(start.tag), anchor: string(start.anchor))
        case YAML_SEQUENCE_END_EVENT, YAML_MAPPING_END_EVENT: return .collectionEnd
        default: return nil
        }
    }

    private static func string(_ text: UnsafeMutablePointer<yaml_char_t>?) -> String? {
        text.map { String(cString: $0) }
    }

    private func problem() -> YAMLStop {
        let problem = parser.pointee.problem.map { String(cString: $0) } ?? "out of memory"
        if parser.pointee.error == YAML_READER_ERROR {
            return .syntax(problem, TextPlace.place(ofByte: parser.pointee.problem_offset, in: Array(text)))
        }
        let context = parser.pointee.context.map { ", " + String(cString: $0) } ?? ""
        return .syntax(problem + context, TextPlace(parser.pointee.problem_mark))
    }
}

extension TextPlace {
    fileprivate init(_ mark: yaml_mark_t) {
        self.init(line: mark.line + 1, column: mark.column + 1)
    }
}
