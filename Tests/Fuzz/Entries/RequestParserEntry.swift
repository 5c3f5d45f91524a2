import HTTP

/// Parses the bytes of a connection whole and cut in many ways, and traps if the outcomes differ.
package func fuzzRequestParser(_ bytes: UnsafeRawBufferPointer) {
    let bytes = Array(bytes)
    let whole = RequestOutcome.parsing(bytes)
    precondition(RequestOutcome.parsing(bytes, inPiecesOf: 1) == whole, "differs byte by byte")
    // Every split of a short input; of a long one some, so that a run stays short.
    for index in stride(from: 0, through: bytes.count, by: max(1, bytes.count / 16)) {
        precondition(RequestOutcome.parsing(bytes, splitAt: index) == whole, "differs when split at \(index)")
    }
}
