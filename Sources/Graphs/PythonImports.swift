/// What a Python source imports, as far as its text says: `import` and `from` statements wherever they stand, and calls of
/// `import_module` and `__import__` with a literal. Linear in the source's length; nothing is run.
///
/// The text is cut into words, marks and strings as Python's tokenizer does it (the language reference, chapter 2). What is
/// no Python gives some list or other, which costs a look at files that are not there.
struct PythonImports: Equatable {
    struct Import: Hashable {
        /// The leading dots: 0 for an absolute import.
        var level = 0
        /// The words between the dots of the module's name.
        var module: [String] = []
        /// What `from` takes out of it, each maybe a module too; empty for `import`.
        var names: [String] = []
    }

    /// Beyond so many imports the rest of a source is not looked at: generated code at most.
    static let countMax = 10_000

    let imports: [Import]

    init(_ source: [UInt8]) {
        var scanner = ImportScanner(PythonTokens(source))
        scanner.run()
        imports = scanner.imports
    }
}

/// Finds the imports among the tokens.
private struct ImportScanner {
    private typealias Import = PythonImports.Import

    private var tokens: PythonTokens
    private(set) var imports: [PythonImports.Import] = []

    init(_ tokens: PythonTokens) {
        self.tokens = tokens
    }

    /// `import` is a keyword and stands nowhere else; `from` also belongs to `yield` and `raise`, where no `import` follows.
    mutating func run() {
        var token = tokens.next()
        while let current = token, imports.count < PythonImports.countMax {
            switch current {
            case .word("import"): token = importStatement()
            case .word("from"): token = fromStatement()
            case .word("import_module"), .word("__import__"): token = call()
            default: token = tokens.next()
            }
        }
    }

    /// `import a.b as c, d`; gives the token behind it.
    private mutating func importStatement() -> PythonTokens.Token? {
        var token = tokens.next()
        while true {
            var module: [String] = []
            token = dottedName(into: &module, from: token)
            if module.isEmpty { return token }
            imports.append(Import(module: module))
            token = alias(token)
            guard token == .mark(UInt8(ascii: ",")), imports.count < PythonImports.countMax else { return token }
            token = tokens.next()
        }
    }

    /// `from ..a.b import (c as d, e)`; gives the token behind it.
    private mutating func fromStatement() -> PythonTokens.Token? {
        var found = Import()
        var token = tokens.next()
        while token == .mark(UInt8(ascii: ".")) {
            found.level += 1
            token = tokens.next()
        }
        if token != .word("import") { token = dottedName(into: &found.module, from: token) }
        guard token == .word("import"), found.level > 0 || !found.module.isEmpty else { return token }
        token = tokens.next()
        if token == .mark(UInt8(ascii: "(")) { token = tokens.next() }
        while case .word(let name)? = token {
            found.names.append(name)
            token = alias(tokens.next())
            guard token == .mark(UInt8(ascii: ",")), found.names.count < PythonImports.countMax else { break }
            token = tokens.next()
        }
        imports.append(found)
        return token
    }

    /// `import_module("a.b")`; gives the token behind the literal.
    private mutating func call() -> PythonTokens.Token? {
        let open = tokens.next()
        guard open == .mark(UInt8(ascii: "(")) else { return open }
        let token = tokens.next()
        guard case .string(let text)? = token else { return token }
        let level = text.prefix { $0 == "." }.count
        let module = text.dropFirst(level).split(separator: ".", omittingEmptySubsequences: false).map(String.init)
        if module.allSatisfy({ !$0.isEmpty && !$0.contains("/") }) {
            imports.append(Import(level: level, module: module))
        }
        return tokens.next()
    }

    private mutating func dottedName(
        into module: inout [String], from first: PythonTokens.Token?
    ) -> PythonTokens.Token? {
        var token = first
        while case .word(let word)? = token {
            module.append(word)
            token = tokens.next()
            guard token == .mark(UInt8(ascii: ".")) else { return token }
            token = tokens.next()
        }
        return token
    }

    private mutating func alias(_ token: PythonTokens.Token?) -> PythonTokens.Token? {
        guard token == .word("as") else { return token }
        _ = tokens.next()
        return tokens.next()
    }
}
