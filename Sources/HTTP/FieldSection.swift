/// Reads a block of field lines up to its empty line: a head's fields or a chunked body's trailers (RFC 9112, 5).
struct FieldSection: Sendable {
    private(set) var fields = HeaderFields()
    private var bytesRead = 0
    private var fieldsRead = 0
    private let bytesMax: Int
    private let fieldsMax: Int
    private let keepsFields: Bool

    /// - Parameter keepsFields: false to check the fields and drop them.
    init(bytesMax: Int, fieldsMax: Int, keepsFields: Bool) {
        self.bytesMax = bytesMax
        self.fieldsMax = fieldsMax
        self.keepsFields = keepsFields
    }

    /// Takes lines of `input` from `offset` on; true once the empty line has been read.
    mutating func read(
        _ input: UnsafeRawBufferPointer, _ offset: inout Int, lines: inout LineReader
    ) throws(RequestFault) -> Bool {
        while true {
            let contentBytesMax = max(0, bytesMax - bytesRead - 2)
            let read = try lines.read(
                input, &offset, contentBytesMax: contentBytesMax, tooLong: .headerTooLarge(bytesMax)
            ) { line throws(RequestFault) -> Bool in
                guard !line.isEmpty else { return true }
                try add(line)
                return false
            }
            switch read {
            case .needsMore: return false
            case .line(let isLast): if isLast { return true }
            }
        }
    }

    /// Moves the fields out, and is ready for another block.
    mutating func takeFields() -> HeaderFields {
        var taken = HeaderFields()
        swap(&taken, &fields)
        bytesRead = 0
        fieldsRead = 0
        return taken
    }

    private mutating func add(_ line: UnsafeRawBufferPointer) throws(RequestFault) {
        bytesRead += line.count + 2
        fieldsRead += 1
        guard fieldsRead <= fieldsMax else { throw .tooManyHeaderFields(fieldsMax) }
        guard !ASCII.isBlank(line[0]) else { throw .obsoleteFolding }
        guard let colon = line.firstIndex(ofByte: ASCII.colon) else { throw .missingColon }
        let name = line.part(0..<colon)
        try Self.check(name: name)
        let value = line.part(colon + 1..<line.count).trimmed
        guard ASCII.isFieldValue(value) else { throw .invalidFieldValue }
        if keepsFields { fields.append(name: name, value: value) }
    }

    private static func check(name: UnsafeRawBufferPointer) throws(RequestFault) {
        guard let last = name.last else { throw .emptyFieldName }
        guard !ASCII.isBlank(last) else { throw .spaceBeforeColon }
        guard ByteSet.token.containsAll(name) else { throw .invalidFieldName }
    }
}
