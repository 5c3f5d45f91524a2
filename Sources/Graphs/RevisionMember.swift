// `revision` in a document: answers of the API say by it which revision they hold, since clients that are generated from a
// description drop header fields. It is no part of the document: whoever sends back what was read need not take it out.

import JSON

extension JSONText {
    private static let revisionKey = "revision"

    /// A document, with the number of the revision that it is behind its members.
    package func withRevision(_ number: Int) -> JSONText {
        guard let end = bytes.lastIndex(of: UInt8(ascii: "}")) else { return self }
        var writer = ByteWriter(capacity: bytes.count + 24)
        bytes.withUnsafeBytes { writer.append(UnsafeRawBufferPointer(rebasing: $0[..<end])) }
        writer.append(",\"revision\":")
        writer.append(decimal: number)
        writer.append(byte: UInt8(ascii: "}"))
        return JSONText(trusted: writer.bytes)
    }

    /// A document without the number of a revision. What is no number is left for others to refuse.
    package var withoutRevision: JSONText {
        guard var members = object, let number = members[Self.revisionKey]?.int, number > 0 else { return self }
        _ = members.removeValue(forKey: JSONKey(Self.revisionKey))
        return members.text
    }
}
