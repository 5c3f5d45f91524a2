// Regular expressions of JSON Schema (`pattern`): those of ECMA-262 without what needs to go back, which are references to
// groups and looks ahead and behind. They are matched as by Thompson's construction (Russ Cox, "Regular Expression Matching
// Can Be Simple And Fast"): all ways at once, in time that is linear in the text, whatever the expression.

import JSON

/// A regular expression, compiled.
struct LinearPattern: Sendable {
    /// Of one expression, counted repetitions written out.
    static let instructionsMax = 5_000
    static let sourceBytesMax = 8 << 10

    enum Instruction: Sendable {
        case scalar(UnicodeScalar)
        case one(of: ScalarSet)
        case any
        case assert(Assertion)
        case jump(Int)
        case split(Int, Int)
        case match
    }

    enum Assertion: Sendable { case start, end, boundary, noBoundary }

    private(set) var instructions: [Instruction] = []
    /// Repetitions of nothing make no instructions, and are counted all the same.
    private var emittedCount = 0

    init(_ source: String) throws(PatternError) {
        guard source.utf8.count <= Self.sourceBytesMax else {
            throw PatternError("is longer than \(Self.sourceBytesMax) bytes")
        }
        var parser = PatternParser(source)
        let tree = try parser.parse()
        try emit(tree)
        try append(.match)
    }

    private mutating func append(_ instruction: Instruction) throws(PatternError) {
        guard instructions.count < Self.instructionsMax else { throw Self.tooLarge }
        instructions.append(instruction)
    }

    private static var tooLarge: PatternError {
        PatternError("is too large: its repetitions make more than \(instructionsMax) steps")
    }

    private mutating func emit(_ node: PatternNode) throws(PatternError) {
        emittedCount += 1
        guard emittedCount <= 2 * Self.instructionsMax else { throw Self.tooLarge }
        switch node {
        case .empty: break
        case .scalar(let scalar): try append(.scalar(scalar))
        case .one(let set): try append(.one(of: set))
        case .any: try append(.any)
        case .assert(let assertion): try append(.assert(assertion))
        case .sequence(let nodes): for node in nodes { try emit(node) }
        case .either(let nodes): try emit(either: nodes)
        case .repeated(let node, let min, let max):
            for _ in 0..<min { try emit(node) }
            guard let max else { return try emit(anyNumberOf: node) }
            // Each may be the last one.
            var splits: [Int] = []
            for _ in min..<max {
                splits.append(instructions.count)
                try append(.match)
                try emit(node)
            }
            for split in splits { instructions[split] = .split(split + 1, instructions.count) }
        }
    }

    private mutating func emit(either nodes: [PatternNode]) throws(PatternError) {
        var jumps: [Int] = []
        for node in nodes.dropLast() {
            let split = instructions.count
            try append(.match)
            try emit(node)
            jumps.append(instructions.count)
            try append(.match)
            instructions[split] = .split(split + 1, instructions.count)
        }
        if let last = nodes.last { try emit(last) }
        for jump in jumps { instructions[jump] = .jump(instructions.count) }
    }

    private mutating func emit(anyNumberOf node: PatternNode) throws(PatternError) {
        let split = instructions.count
        try append(.match)
        try emit(node)
        try append(.jump(split))
        instructions[split] = .split(split + 1, instructions.count)
    }
}

/// Why an expression is refused.
struct PatternError: Error, Equatable {
    let message: String

    init(_ message: String) {
        self.message = message
    }
}

// MARK: - Matching

extension LinearPattern {
    /// The instructions at which the ways stand, each once.
    private struct Ways {
        var list: [Int] = []
        private var isIn: [Bool]

        init(count: Int) { isIn = [Bool](repeating: false, count: count) }

        mutating func insert(_ place: Int) -> Bool {
            guard !isIn[place] else { return false }
            isIn[place] = true
            list.append(place)
            return true
        }

        mutating func removeAll() {
            for place in list { isIn[place] = false }
            list.removeAll(keepingCapacity: true)
        }
    }

    /// Whether the expression matches somewhere in the text; nil when that took more steps than there are.
    func matches(_ text: String, stepsLeft: inout Int) -> Bool? {
        let scalars = Array(text.unicodeScalars)
        var (now, next) = (Ways(count: instructions.count), Ways(count: instructions.count))
        for index in 0...scalars.count {
            if add(0, &now, at: index, in: scalars) { return true }
            stepsLeft -= now.list.count
            guard stepsLeft > 0 else { return nil }
            guard index < scalars.count else { return false }
            next.removeAll()
            for place in now.list where takes(instructions[place], scalars[index]) {
                if add(place + 1, &next, at: index + 1, in: scalars) { return true }
            }
            swap(&now, &next)
        }
        return false
    }

    private func takes(_ instruction: Instruction, _ scalar: UnicodeScalar) -> Bool {
        switch instruction {
        case .scalar(let expected): scalar == expected
        case .one(let set): set.contains(scalar)
        case .any: !ScalarSet.lineEnds.contains(scalar)
        case .assert, .jump, .split, .match: false
        }
    }

    /// Adds a place and all that can be reached from it without a character.
    /// - Returns: whether the end of the expression is among it.
    private func add(_ first: Int, _ ways: inout Ways, at index: Int, in scalars: [UnicodeScalar]) -> Bool {
        var open = [first]
        while let place = open.popLast() {
            guard ways.insert(place) else { continue }
            switch instructions[place] {
            case .jump(let target): open.append(target)
            case .split(let one, let other): open += [other, one]
            case .assert(let assertion): if holds(assertion, index, scalars) { open.append(place + 1) }
            case .match: return true
            case .scalar, .one, .any: break
            }
        }
        return false
    }

    private func holds(_ assertion: Assertion, _ index: Int, _ scalars: [UnicodeScalar]) -> Bool {
        func isWord(_ index: Int) -> Bool { scalars.indices.contains(index) && ScalarSet.word.contains(scalars[index]) }
        return switch assertion {
        case .start: index == 0
        case .end: index == scalars.count
        case .boundary: isWord(index - 1) != isWord(index)
        case .noBoundary: isWord(index - 1) == isWord(index)
        }
    }
}
