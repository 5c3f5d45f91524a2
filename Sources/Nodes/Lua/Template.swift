// Text with Lua expressions in it: `Dear {{ state.name }}`. A backslash in front of `{{` keeps it as text.
//
// An expression ends at the first `}}` that stands in no string, no long comment and no braces of its own, so that table
// constructors and strings may contain `}}`. It is found by the form of Lua's tokens alone, and compiled once.

import Executions
import JSON

/// A template over `state`.
package struct Template: Sendable {
    enum Part: Sendable {
        case text(String)
        case expression(LuaProgram)
    }

    /// Of one template.
    static let expressionsMax = 1_000

    let parts: [Part]

    /// Throws a message about the expression that does not compile.
    package init(_ source: String) throws(NodeFailure) {
        parts = try Template.parts(of: Array(source.utf8))
    }

    /// The text, if there is no expression in it.
    var constant: String? {
        switch (parts.count, parts.first) {
        case (0, _): ""
        case (1, .text(let text)): text
        default: nil
        }
    }

    private var programs: [LuaProgram] {
        parts.compactMap { if case .expression(let program) = $0 { program } else { nil } }
    }

    /// Strings stand as they are in the text, nil as nothing, other values as JSON.
    package func render(
        _ state: State, room: ProgramRoom? = nil, limits: LuaLimits = .expression
    ) async -> Result<String, NodeFailure> {
        let items = programs.map { LuaSequence.Item(program: $0, form: .text) }
        switch await LuaSequence(items, limits, LuaScope(state: state, room: room)).finish() {
        case .finished(let results): return text(of: results)
        case .failed(let failure, _): return .failure(failure)
        case .yielded, .waiting: preconditionFailure("what has finished does not yield")
        }
    }

    private func text(of results: [[UInt8]]) -> Result<String, NodeFailure> {
        var text: [UInt8] = []
        var results = results[...]
        for part in parts {
            switch part {
            case .text(let literal): text += literal.utf8
            case .expression: text += results.removeFirst()
            }
            if let failure = Template.refusal(ofLength: text.count) { return .failure(failure) }
        }
        guard let string = String(validating: text, as: UTF8.self) else {
            return .failure(NodeFailure("the template's text is no valid UTF-8"))
        }
        return .success(string)
    }

    private static func refusal(ofLength count: Int) -> NodeFailure? {
        guard count > LuaLimits.resultBytesMax else { return nil }
        return NodeFailure("the template's text is longer than \(LuaLimits.resultBytesMax) bytes")
    }
}

// MARK: - As a JSON value

extension Template {
    /// What must be run for `value`. A template that is one expression and nothing else gives its value, any other a string.
    var items: [LuaSequence.Item] {
        let isValue = parts.count == 1
        return programs.map { LuaSequence.Item(program: $0, form: isValue ? .json : .quotedText) }
    }

    /// The JSON of the results, the first of which are this template's own and are taken away.
    func value(_ results: inout ArraySlice<[UInt8]>) throws(NodeFailure) -> JSONText {
        if parts.count == 1, case .expression = parts[0] { return JSONText(trusted: results.removeFirst()) }
        var writer = ByteWriter()
        writer.append(byte: UInt8(ascii: "\""))
        for part in parts {
            switch part {
            case .text(let literal): writer.append([UInt8](JSONText(literal).bytes.dropFirst().dropLast()))
            case .expression: writer.append(results.removeFirst())
            }
            if let failure = Template.refusal(ofLength: writer.count) { throw failure }
        }
        writer.append(byte: UInt8(ascii: "\""))
        return JSONText(trusted: writer.bytes)
    }
}

// MARK: - Parsing

extension Template {
    private static let open = UInt8(ascii: "{"), close = UInt8(ascii: "}"), escape = UInt8(ascii: "\\")

    private static func parts(of source: [UInt8]) throws(NodeFailure) -> [Part] {
        var parts: [Part] = []
        var text: [UInt8] = []
        var (expressions, expressionBytes) = (0, 0)
        var index = 0
        while index < source.count {
            guard source[index] == open, index + 1 < source.count, source[index + 1] == open else {
                text.append(source[index])
                index += 1
                continue
            }
            if text.last == escape {
                text[text.count - 1] = open
                text.append(open)
                index += 2
                continue
            }
            let end = try end(ofExpressionIn: source, from: index + 2)
            expressions += 1
            expressionBytes += end - index - 2
            guard expressions <= expressionsMax else {
                throw NodeFailure("more than \(expressionsMax) expressions in one template")
            }
            guard expressionBytes <= LuaLimits.expressionBytesMax else {
                throw NodeFailure("expressions of more than \(LuaLimits.expressionBytesMax) bytes in one template")
            }
            if !text.isEmpty { parts.append(.text(String(decoding: text, as: UTF8.self))) }
            text = []
            parts.append(.expression(try program(String(decoding: source[(index + 2)..<end], as: UTF8.self))))
            index = end + 2
        }
        if !text.isEmpty { parts.append(.text(String(decoding: text, as: UTF8.self))) }
        return parts
    }

    private static func program(_ source: String) throws(NodeFailure) -> LuaProgram {
        do {
            return try LuaProgram.expression(source, name: "template")
        } catch {
            throw NodeFailure(error.message)
        }
    }

    /// Where the `}}` stands that ends the expression which begins at `start`. Where there is none but in strings or braces, the
    /// first of those is taken: the expression does not compile then, and Lua says why.
    private static func end(ofExpressionIn source: [UInt8], from start: Int) throws(NodeFailure) -> Int {
        var lexer = LuaLexer(source[start...])
        var depth = 0
        var index = start
        while let token = lexer.next() {
            switch token {
            case .code(open): depth += 1
            case .code(close) where depth > 0: depth -= 1
            case .code(close): if isClosed(source, at: index) { return index }
            case .lineComment where depth == 0:
                if let end = (index..<lexer.index).first(where: { isClosed(source, at: $0) }) { return end }
            default: break
            }
            index = lexer.index
        }
        guard let end = (start..<source.count).first(where: { isClosed(source, at: $0) }) else {
            throw NodeFailure("a {{ without }} behind it (write \\{{ for a plain one)")
        }
        return end
    }

    private static func isClosed(_ source: [UInt8], at index: Int) -> Bool {
        index + 1 < source.count && source[index] == close && source[index + 1] == close
    }
}
