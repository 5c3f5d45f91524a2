import JSON
import Testing

@Test(arguments: 0..<20 as Range<UInt64>)
func `damaged texts are accepted and refused as a plain parser does`(seed: UInt64) {
    var generator = SeededGenerator(seed: seed)
    for round in 0..<100 {
        let text = Array(generator.text().utf8)
        for bytes in [text, generator.damaged(text), generator.damaged(text)] {
            let result = try? JSONText(parsing: bytes)
            let same = result?.bytes == ReferenceParser.minified(bytes).map { Array($0.utf8) }
            #expect(same, "round \(round): \(String(decoding: bytes, as: UTF8.self))")
        }
    }
}

@Test(arguments: 0..<20 as Range<UInt64>)
func `taking a value apart and building it anew changes nothing`(seed: UInt64) throws {
    var generator = SeededGenerator(seed: seed)
    for _ in 0..<50 {
        let value = try JSONText(parsing: generator.text())
        let rebuilt = rebuild(value)
        #expect(rebuilt.isEquivalent(to: value))
        #expect(try JSONText(parsing: rebuilt.bytes) == rebuilt)
        #expect(rebuild(rebuilt) == rebuilt)
    }
}

private func rebuild(_ value: JSONText) -> JSONText {
    if let object = value.object { return JSONObject(object.map { ($0, rebuild($1)) }).text }
    if let elements = value.array { return JSONText(array: elements.map(rebuild)) }
    return value.string.map { JSONText($0) } ?? value
}

@Test(arguments: 0..<40 as Range<UInt64>)
func `applying a diff gives the other value`(seed: UInt64) throws {
    var generator = SeededGenerator(seed: seed)
    for round in 0..<50 {
        let old = try JSONText(parsing: generator.text())
        let new = round % 3 == 0 ? try JSONText(parsing: generator.text()) : generator.mutated(old)
        let patch = JSONPatch.diff(from: old, to: new)
        #expect(try JSONText(parsing: patch.bytes) == patch)
        let result = try JSONPatch.apply(patch, to: old)
        #expect(sorted(result) == sorted(new), "from \(old) to \(new) by \(patch)")
        #expect(patch == .emptyArray || old != new)
    }
}

/// The value with its keys in one order and form, all other tokens as they are.
private func sorted(_ value: JSONText) -> JSONText {
    if let object = value.object {
        let members = object.map { ($0, sorted($1)) }
        return JSONObject(members.sorted { $0.0.token.lexicographicallyPrecedes($1.0.token) }).text
    }
    return value.array.map { JSONText(array: $0.map(sorted)) } ?? value
}
