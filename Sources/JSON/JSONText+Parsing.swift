import CSimdJSON

extension JSONText {
    /// Checks and minifies a text. Throws with the offset of the first fault found.
    package init(parsing text: [UInt8], limits: JSONLimits = .default) throws(JSONError) {
        let result = text.withUnsafeBytes { minified($0, limits) }
        bytes = try result.get()
    }

    package init(parsing text: UnsafeRawBufferPointer, limits: JSONLimits = .default) throws(JSONError) {
        bytes = try minified(text, limits).get()
    }

    package init(parsing text: String, limits: JSONLimits = .default) throws(JSONError) {
        var text = text
        let result = text.withUTF8 { minified(UnsafeRawBufferPointer($0), limits) }
        bytes = try result.get()
    }

    static func isValidAndMinified(_ bytes: [UInt8]) -> Bool {
        let limits = JSONLimits(bytesMax: bytes.count, depthMax: Int(csimdjson_depth_max))
        let result = bytes.withUnsafeBytes { minified($0, limits) }
        return (try? result.get()) == bytes
    }
}

private func minified(_ text: UnsafeRawBufferPointer, _ limits: JSONLimits) -> Result<[UInt8], JSONError> {
    guard text.count <= limits.bytesMax else {
        let message = "the text is \(text.count) bytes long; the limit is \(limits.bytesMax)"
        return .failure(JSONError(.tooLarge, message, offset: limits.bytesMax))
    }
    let scratchCount = text.count + Int(csimdjson_padding)
    return withUnsafeTemporaryAllocation(byteCount: scratchCount, alignment: 1) { scratch in
        scratch.copyMemory(from: text)
        let bytes = scratch.baseAddress!.assumingMemoryBound(to: UInt8.self)
        let result = csimdjson_minify(bytes, text.count, limits.depthMax)
        guard result.fault == csimdjson_none else { return .failure(JSONError(result, in: text, limits)) }
        return .success([UInt8](UnsafeRawBufferPointer(rebasing: scratch[..<result.count])))
    }
}

extension JSONError {
    fileprivate init(_ result: csimdjson_result, in text: UnsafeRawBufferPointer, _ limits: JSONLimits) {
        precondition(result.fault != csimdjson_out_of_memory, "out of memory")
        let what = String(cString: result.what)
        let place = "at byte \(result.offset)"
        let kind: Kind
        var more = ""
        switch result.fault {
        case csimdjson_not_utf8: kind = .notUTF8
        case csimdjson_too_deep:
            kind = .tooDeep
            more = "; the limit is \(limits.depthMax) levels"
        case csimdjson_duplicate_key:
            kind = .duplicateKey
            more = ": \(shortened(UnsafeRawBufferPointer(rebasing: text[result.offset...])))"
        default: kind = .malformed
        }
        self.init(kind, "\(what), \(place)\(more)", what: what + more, offset: result.offset)
    }
}

/// The string token that `text` starts with, cut short for a message.
private func shortened(_ text: UnsafeRawBufferPointer) -> String {
    let shownMax = 80
    var scanner = TrustedScanner(text)
    scanner.skipString()
    guard scanner.position > shownMax else { return String(decoding: text[..<scanner.position], as: UTF8.self) }
    // Cut between characters: a continuation byte would show as a replacement character.
    var end = shownMax
    while text[end] & 0xC0 == 0x80 { end -= 1 }
    return String(decoding: text[..<end], as: UTF8.self) + "…"
}
