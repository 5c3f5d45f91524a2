import JSON

/// Parses a text. What is accepted means the same after it was written, taken apart and put together again.
package func fuzzJSON(_ bytes: UnsafeRawBufferPointer) {
    guard let value = try? JSONText(parsing: Array(bytes)) else { return }
    precondition((try? JSONText(parsing: value.bytes)) == value, "the minified text is another value")
    let rebuilt = rebuild(value)
    precondition(rebuilt.isEquivalent(to: value), "it is another value when it is built anew")
    precondition((try? JSONText(parsing: rebuilt.bytes)) == rebuilt, "what was built anew cannot be read")
    let patch = JSONPatch.diff(from: value, to: rebuilt)
    precondition(
        (try? JSONPatch.apply(patch, to: value))?.isEquivalent(to: value) == true, "a diff that does not apply")
}

private func rebuild(_ value: JSONText) -> JSONText {
    if let object = value.object { return JSONObject(object.map { ($0, rebuild($1)) }).text }
    if let elements = value.array { return JSONText(array: elements.map(rebuild)) }
    return value.string.map { JSONText($0) } ?? value
}
