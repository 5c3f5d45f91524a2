import HTTP

/// Reads an event stream whole and cut in many ways, and traps if the items differ. What the writer makes of an event's data
/// reads as that data again.
package func fuzzEventStream(_ bytes: UnsafeRawBufferPointer) {
    let whole = items(of: [bytes])
    precondition(items(of: bytes.indices.map { UnsafeRawBufferPointer(rebasing: bytes[$0...$0]) }) == whole)
    for index in stride(from: 0, through: bytes.count, by: max(1, bytes.count / 16)) {
        let pieces = [
            UnsafeRawBufferPointer(rebasing: bytes[..<index]), UnsafeRawBufferPointer(rebasing: bytes[index...]),
        ]
        precondition(items(of: pieces) == whole, "differs when split at \(index)")
    }
}

private func items(of pieces: [UnsafeRawBufferPointer]) -> [SSEParser.Item] {
    var parser = SSEParser(eventBytesMax: 1 << 16)
    var items: [SSEParser.Item] = []
    do throws(SSEParser.EventTooLarge) {
        for piece in pieces { try parser.consume(piece) { items.append($0) } }
    } catch {
        // Where exactly it gives up may depend on the cut.
        return []
    }
    return items
}
