/// The entry for a fuzzer: parses `bytes` whole and cut in many ways, and traps if the outcomes differ.
///
/// libFuzzer calls it from `LLVMFuzzerTestOneInput(data, size)`.
package func fuzzRequestParser(_ bytes: UnsafeRawBufferPointer) {
    let bytes = Array(bytes)
    let whole = Outcome.parsing(bytes)
    precondition(Outcome.parsing(bytes, inPiecesOf: 1) == whole, "differs byte by byte")
    // Every split of a short input; of a long one some, so that a run stays short.
    for index in stride(from: 0, through: bytes.count, by: max(1, bytes.count / 256)) {
        precondition(Outcome.parsing(bytes, splitAt: index) == whole, "differs when split at \(index)")
    }
}
