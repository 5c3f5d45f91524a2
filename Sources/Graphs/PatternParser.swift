/// A regular expression as a tree.
indirect enum PatternNode {
    case empty
    case scalar(UnicodeScalar)
    case one(ScalarSet)
    case any
    case assert(LinearPattern.Assertion)
    case sequence([PatternNode])
    case either([PatternNode])
    case repeated(PatternNode, min: Int, max: Int?)
}

/// Reads a regular expression of ECMA-262 (section 22.2), with the flag `u`.
struct PatternParser {
    private static let depthMax = 100
    private static let repetitionsMax = 1_000

    private let source: [UnicodeScalar]
    private var index = 0
    private var depth = 0

    init(_ source: String) {
        self.source = Array(source.unicodeScalars)
    }

    mutating func parse() throws(PatternError) -> PatternNode {
        let node = try either()
        guard index == source.count else { throw PatternError("has a ) that closes nothing") }
        return node
    }

    private var next: UnicodeScalar? { index < source.count ? source[index] : nil }

    private mutating func take(_ scalar: UnicodeScalar) -> Bool {
        guard next == scalar else { return false }
        index += 1
        return true
    }

    private mutating func either() throws(PatternError) -> PatternNode {
        depth += 1
        defer { depth -= 1 }
        guard depth <= Self.depthMax else { throw PatternError("is nested more than \(Self.depthMax) groups deep") }
        var branches = [try sequence()]
        while take("|") { branches.append(try sequence()) }
        return branches.count == 1 ? branches[0] : .either(branches)
    }

    private mutating func sequence() throws(PatternError) -> PatternNode {
        var nodes: [PatternNode] = []
        while let scalar = next, scalar != "|", scalar != ")" { nodes.append(try repeated(try atom())) }
        return nodes.count == 1 ? nodes[0] : nodes.isEmpty ? .empty : .sequence(nodes)
    }

    private mutating func repeated(_ node: PatternNode) throws(PatternError) -> PatternNode {
        let bounds: (min: Int, max: Int?)
        switch next {
        case "*": bounds = (0, nil)
        case "+": bounds = (1, nil)
        case "?": bounds = (0, 1)
        case "{": return try counted(node)
        default: return node
        }
        index += 1
        return try finish(node, bounds.min, bounds.max)
    }

    private mutating func counted(_ node: PatternNode) throws(PatternError) -> PatternNode {
        index += 1
        let min = try number()
        var max: Int? = min
        if take(",") { max = next == "}" ? nil : try number() }
        guard take("}") else { throw PatternError("has a { without } behind it (write \\{ for a plain one)") }
        guard max ?? min >= min else { throw PatternError("repeats from \(min) to \(max ?? 0) times") }
        return try finish(node, min, max)
    }

    private mutating func finish(_ node: PatternNode, _ min: Int, _ max: Int?) throws(PatternError) -> PatternNode {
        // Few or many: what matches is the same.
        _ = take("?")
        if case .assert = node { throw PatternError("repeats a place instead of characters") }
        if let scalar = next, ["*", "+", "?", "{"].contains(scalar) {
            throw PatternError("has two repetitions behind one another")
        }
        return .repeated(node, min: min, max: max)
    }

    private mutating func number() throws(PatternError) -> Int {
        var digits = ""
        while let scalar = next, ("0"..."9").contains(scalar) {
            digits.unicodeScalars.append(scalar)
            index += 1
        }
        guard let number = Int(digits), number <= Self.repetitionsMax else {
            throw PatternError("must repeat a whole number of times, at most \(Self.repetitionsMax)")
        }
        return number
    }

    private mutating func atom() throws(PatternError) -> PatternNode {
        guard let scalar = next else { return .empty }
        index += 1
        switch scalar {
        case ".": return .any
        case "^": return .assert(.start)
        case "$": return .assert(.end)
        case "(": return try group()
        case "[": return .one(try set())
        case "\\": return try escape()
        case "*", "+", "?", "{": throw PatternError("has a \(scalar) with nothing before it")
        case "}", "]": throw PatternError("has a \(scalar) that closes nothing (write \\\(scalar) for a plain one)")
        default: return .scalar(scalar)
        }
    }

    private mutating func group() throws(PatternError) -> PatternNode {
        if take("?") {
            if take("<"), next != "=", next != "!" {
                while let scalar = next, scalar != ">" { _ = take(scalar) }
                index += 1
            } else if !take(":") {
                throw PatternError("looks ahead or behind, which is not supported")
            }
        }
        let node = try either()
        guard take(")") else { throw PatternError("has a ( without ) behind it") }
        return node
    }

    private mutating func escape() throws(PatternError) -> PatternNode {
        switch next {
        case "b":
            index += 1
            return .assert(.boundary)
        case "B":
            index += 1
            return .assert(.noBoundary)
        case let scalar? where ("1"..."9").contains(scalar) || scalar == "k":
            throw PatternError("refers to a group, which is not supported")
        default:
            switch try escaped() {
            case .range(let range): return .scalar(range.lowerBound)
            case let member: return .one(ScalarSet(members: [member]))
            }
        }
    }

    /// What stands behind a backslash: one character, or a class of them.
    private mutating func escaped() throws(PatternError) -> ScalarSet.Member {
        guard let scalar = next else { throw PatternError("ends in a backslash") }
        index += 1
        func one(_ scalar: UnicodeScalar) -> ScalarSet.Member { .range(scalar...scalar) }
        switch scalar {
        case "d": return .set(.digit)
        case "D": return .set(.digit.negated)
        case "w": return .set(.word)
        case "W": return .set(.word.negated)
        case "s": return .set(.space)
        case "S": return .set(.space.negated)
        case "p", "P": return try category(isNegated: scalar == "P")
        case "n": return one("\n")
        case "r": return one("\r")
        case "t": return one("\t")
        case "f": return one("\u{C}")
        case "v": return one("\u{B}")
        case "0": return one("\0")
        case "x": return one(try hexadecimal(digits: 2))
        case "u": return one(take("{") ? try braced() : try hexadecimal(digits: 4))
        case "a"..."z", "A"..."Z", "1"..."9": throw PatternError("has \\\(scalar), which stands for nothing")
        default: return one(scalar)
        }
    }

    private mutating func category(isNegated: Bool) throws(PatternError) -> ScalarSet.Member {
        var name = ""
        guard take("{") else { throw PatternError("needs the name of a category, as in \\p{L}") }
        while let scalar = next, scalar != "}" {
            name.unicodeScalars.append(scalar)
            index += 1
        }
        guard take("}"), let category = ScalarSet.categories[name] else {
            throw PatternError("names the category \(name.prefix(40)), which is not supported")
        }
        let set = ScalarSet(members: [.category(category)])
        return .set(isNegated ? set.negated : set)
    }

    private mutating func hexadecimal(digits: Int) throws(PatternError) -> UnicodeScalar {
        var text = ""
        for _ in 0..<digits {
            guard let scalar = next else { break }
            text.unicodeScalars.append(scalar)
            index += 1
        }
        return try scalar(text)
    }

    private mutating func braced() throws(PatternError) -> UnicodeScalar {
        var text = ""
        while let scalar = next, scalar != "}", text.count < 8 {
            text.unicodeScalars.append(scalar)
            index += 1
        }
        guard take("}") else { throw PatternError("has a \\u{ without } behind it") }
        return try scalar(text)
    }

    private func scalar(_ text: String) throws(PatternError) -> UnicodeScalar {
        guard let value = UInt32(text, radix: 16), let scalar = UnicodeScalar(value) else {
            throw PatternError("has the number \(text), which is no character")
        }
        return scalar
    }

    private mutating func set() throws(PatternError) -> ScalarSet {
        var set = ScalarSet(isNegated: take("^"))
        while !take("]") {
            let first = try member()
            guard next == "-", index + 1 < source.count, source[index + 1] != "]" else {
                set.members.append(first)
                continue
            }
            index += 1
            guard case .range(let low) = first, case .range(let high) = try member(),
                low.lowerBound <= high.lowerBound
            else { throw PatternError("has a range in [ ] that is none") }
            set.members.append(.range(low.lowerBound...high.lowerBound))
        }
        return set
    }

    private mutating func member() throws(PatternError) -> ScalarSet.Member {
        guard let scalar = next else { throw PatternError("has a [ without ] behind it") }
        index += 1
        guard scalar == "\\" else { return .range(scalar...scalar) }
        if take("b") { return .range("\u{8}"..."\u{8}") }
        return try escaped()
    }
}
