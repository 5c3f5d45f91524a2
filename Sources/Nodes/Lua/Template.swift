// Text with Lua expressions in it: `Dear {{ state.name }}`. A backslash in front of `{{` keeps it as text.
//
// Where an expression ends is decided by Lua itself: at the first `}}` up to which it compiles, so that table constructors
// and strings may contain `}}`.

import Executions
import JSON

/// A template over `state`.
package struct Template: Sendable {
    enum Part: Sendable {
        case text(String)
        case expression(LuaProgram)
    }

    /// Candidates for the end of one expression, so that compiling a hostile template stays linear.
    static let endCandidatesMax = 100
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

    /// Strings stand as they are in the text, nil as nothing, other values as JSON.
    package func render(_ state: State) -> Result<String, NodeFailure> {
        var budget = LuaBudget(.expression)
        var text: [UInt8] = []
        for part in parts {
            switch part {
            case .text(let literal): text += literal.utf8
            case .expression(let program):
                switch budget.run(program, .text, state) {
                case .success(let bytes): text += bytes
                case .failure(let failure): return .failure(failure)
                }
            }
            if let failure = Template.refusal(ofLength: text.count) { return .failure(failure) }
        }
        guard let string = String(validating: text, as: UTF8.self) else {
            return .failure(NodeFailure("the template's text is no valid UTF-8"))
        }
        return .success(string)
    }

    /// A template that is one expression and nothing else gives its value, any other a JSON string.
    func value(_ state: State, _ budget: inout LuaBudget) -> Result<JSONText, NodeFailure> {
        if parts.count == 1, case .expression(let program) = parts[0] {
            return budget.run(program, .json, state).map { JSONText(trusted: $0) }
        }
        var writer = ByteWriter()
        writer.append(byte: UInt8(ascii: "\""))
        for part in parts {
            switch part {
            case .text(let literal): writer.append([UInt8](JSONText(literal).bytes.dropFirst().dropLast()))
            case .expression(let program):
                switch budget.run(program, .quotedText, state) {
                case .success(let bytes): writer.append(bytes)
                case .failure(let failure): return .failure(failure)
                }
            }
            if let failure = Template.refusal(ofLength: writer.count) { return .failure(failure) }
        }
        writer.append(byte: UInt8(ascii: "\""))
        return .success(JSONText(trusted: writer.bytes))
    }

    private static func refusal(ofLength count: Int) -> NodeFailure? {
        guard count > LuaLimits.resultBytesMax else { return nil }
        return NodeFailure("the template's text is longer than \(LuaLimits.resultBytesMax) bytes")
    }
}

// MARK: - Parsing

extension Template {
    private static let open = UInt8(ascii: "{"), close = UInt8(ascii: "}"), escape = UInt8(ascii: "\\")

    private static func parts(of source: [UInt8]) throws(NodeFailure) -> [Part] {
        var parts: [Part] = []
        var text: [UInt8] = []
        var expressions = 0
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
            let (program, end) = try expression(in: source, from: index + 2)
            expressions += 1
            guard expressions <= expressionsMax else {
                throw NodeFailure("more than \(expressionsMax) expressions in one template")
            }
            if !text.isEmpty { parts.append(.text(String(decoding: text, as: UTF8.self))) }
            text = []
            parts.append(.expression(program))
            index = end
        }
        if !text.isEmpty { parts.append(.text(String(decoding: text, as: UTF8.self))) }
        return parts
    }

    /// The expression that begins at `start`, and where the text goes on behind it.
    private static func expression(
        in source: [UInt8], from start: Int
    ) throws(NodeFailure) -> (LuaProgram, end: Int) {
        var firstError: LuaSyntaxError?
        var candidates = 0
        var index = start
        while index + 1 < source.count, candidates < endCandidatesMax {
            defer { index += 1 }
            guard source[index] == close, source[index + 1] == close else { continue }
            candidates += 1
            do {
                let text = String(decoding: source[start..<index], as: UTF8.self)
                return (try LuaProgram.expression(text, name: "template"), index + 2)
            } catch {
                firstError = firstError ?? error
            }
        }
        guard let firstError else { throw NodeFailure("a {{ without }} behind it (write \\{{ for a plain one)") }
        throw NodeFailure(firstError.message)
    }
}

/// CPU time that several programs of one node share: they run in one go, so their sum counts.
struct LuaBudget {
    private var limits: LuaLimits
    private var leftNanoseconds: Int

    init(_ limits: LuaLimits) {
        self.limits = limits
        leftNanoseconds = Int(limits.cpuNanoseconds)
    }

    mutating func run(_ program: LuaProgram, _ form: LuaForm, _ state: State) -> Result<[UInt8], NodeFailure> {
        guard leftNanoseconds > 0 else {
            return .failure(NodeFailure("the templates used more than \(limits.cpuMilliseconds) ms of CPU time"))
        }
        let run = LuaRun(program, form, limits, LuaScope(state: state))
        defer { leftNanoseconds -= Int(run.cpuNanoseconds) }
        switch run.step() {
        case .finished(let bytes): return .success(bytes)
        case .failed(let failure): return .failure(failure)
        case .yielded: preconditionFailure("a run without slices does not yield")
        }
    }
}
