import JSON

/// SplitMix64: the same seed gives the same values everywhere.
struct SeededGenerator: RandomNumberGenerator {
    private var state: UInt64

    init(seed: UInt64) { state = seed }

    mutating func next() -> UInt64 {
        state &+= 0x9E37_79B9_7F4A_7C15
        var mixed = state
        mixed = (mixed ^ (mixed >> 30)) &* 0xBF58_476D_1CE4_E5B9
        mixed = (mixed ^ (mixed >> 27)) &* 0x94D0_49BB_1331_11EB
        return mixed ^ (mixed >> 31)
    }
}

extension SeededGenerator {
    private mutating func one(of choices: [String]) -> String { choices.randomElement(using: &self)! }

    private mutating func space() -> String {
        Int.random(in: 0..<4, using: &self) == 0 ? one(of: [" ", "\n", "\t \r\n", "  "]) : ""
    }

    private mutating func key() -> String {
        one(of: [
            #""a""#, #""b""#, #""\u0063""#, #""d/e~""#, "\"\u{E9}\"", "\"e\u{301}\"", #""""#, #""]}""#, #""\\\"""#,
        ])
    }

    private mutating func scalar() -> String {
        one(of: [
            "0", "-0", "1.0", "1e2", "12345678901234567890", "1e400", "true", "false", "null", #""""#, #""x""#,
            #""a\"b\\""#, #""\uD83D\uDE00\n""#, #""[{,:""#, "\"déjà\"",
            "\"" + String(repeating: "long ", count: 9) + "\"",
        ])
    }

    /// A valid text with whitespace here and there.
    mutating func text(depth: Int = 4) -> String {
        let choice = depth == 0 ? 0 : Int.random(in: 0..<5, using: &self)
        let count = Int.random(in: 0..<5, using: &self)
        let value: String
        switch choice {
        case 1, 2:
            let elements = (0..<count).map { _ in text(depth: depth - 1) }
            value = "[" + (elements.isEmpty ? space() : elements.joined(separator: ",")) + "]"
        case 3, 4:
            var keys: [String] = []
            for key in (0..<count).map({ _ in key() }) where !keys.contains(where: { $0.utf8.elementsEqual(key.utf8) })
            {
                keys.append(key)
            }
            let members = keys.map { space() + $0 + space() + ":" + text(depth: depth - 1) }
            value = "{" + (members.isEmpty ? space() : members.joined(separator: ",")) + "}"
        default:
            value = scalar()
        }
        return space() + value + space()
    }

    /// The same value with some of its parts changed, removed or added.
    mutating func mutated(_ value: JSONText) -> JSONText {
        if Int.random(in: 0..<6, using: &self) == 0 { return try! JSONText(parsing: text(depth: 2)) }
        if var object = value.object {
            for (key, member) in object where Bool.random(using: &self) {
                object[key] = Int.random(in: 0..<4, using: &self) == 0 ? nil : mutated(member)
            }
            if Int.random(in: 0..<3, using: &self) == 0 { object["new"] = try! JSONText(parsing: text(depth: 1)) }
            return object.text
        }
        guard var elements = value.array else { return value }
        if !elements.isEmpty, Bool.random(using: &self) {
            let index = elements.indices.randomElement(using: &self)!
            elements[index] = mutated(elements[index])
        }
        switch Int.random(in: 0..<4, using: &self) {
        case 0: elements.insert("inserted", at: Int.random(in: 0...elements.count, using: &self))
        case 1 where !elements.isEmpty: elements.remove(at: elements.indices.randomElement(using: &self)!)
        default: break
        }
        return JSONText(array: elements)
    }

    /// The text with a few bytes put in, taken out or changed, mostly to others that mean something in JSON.
    mutating func damaged(_ text: [UInt8]) -> [UInt8] {
        let alphabet = Array("[]{},:\"\\ 0123eE+-.tfnulrsa/\n\u{1}é".utf8) + [0xFF, 0x00]
        var bytes = text
        for _ in 0...Int.random(in: 0..<3, using: &self) {
            let byte = alphabet.randomElement(using: &self)!
            let index = Int.random(in: 0...bytes.count, using: &self)
            switch Int.random(in: 0..<4, using: &self) {
            case 0: bytes.insert(byte, at: index)
            case 1 where index < bytes.count: bytes.remove(at: index)
            case 2 where index < bytes.count: bytes[index] = byte
            case 3 where index < bytes.count: bytes.swapAt(index, bytes.indices.randomElement(using: &self)!)
            default: break
            }
        }
        return bytes
    }
}
