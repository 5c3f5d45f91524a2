import JSON

/// A byte that says which of the fields follow.
extension Answer {
    private struct Fields: OptionSet {
        let rawValue: UInt8
        static let approved = Self(rawValue: 1), data = Self(rawValue: 2), by = Self(rawValue: 4)
        static let comment = Self(rawValue: 8), voter = Self(rawValue: 16)
        static let known: Self = [.approved, .data, .by, .comment, .voter]
    }

    private var fields: Fields {
        var fields: Fields = approved ? .approved : []
        if data != nil { fields.insert(.data) }
        if by != nil { fields.insert(.by) }
        if comment != nil { fields.insert(.comment) }
        if voter != nil { fields.insert(.voter) }
        return fields
    }

    func encode(to writer: inout ByteWriter) {
        writer.append(byte: fields.rawValue)
        writer.append(fixed: atMicroseconds)
        if let data { writer.append(counted: data.bytes) }
        for text in [by, comment, voter] { if let text { writer.append(counted: text) } }
    }

    init(from reader: inout RecordReader) throws(RecordError) {
        let fields = Fields(rawValue: try reader.byte())
        guard Fields.known.isSuperset(of: fields) else { throw RecordError(message: "unknown fields of an answer") }
        self.init(approved: fields.contains(.approved), atMicroseconds: Int64(bitPattern: try reader.fixed64()))
        if fields.contains(.data) { data = JSONText(trusted: try reader.counted()) }
        if fields.contains(.by) { by = try reader.string() }
        if fields.contains(.comment) { comment = try reader.string() }
        if fields.contains(.voter) { voter = try reader.string() }
    }
}
