// The manual is made from the same descriptions as --help, so that the two cannot differ.

import ArgumentParser
import Config
import JSON

/// A page of the manual (man(7)), and the file that it belongs into.
struct ManualPage {
    let name: String
    let section: Int
    private(set) var text: String

    var fileName: String { "\(name).\(section)" }

    init(_ name: String, section: Int, abstract: String) {
        self.name = name
        self.section = section
        text = """
            .TH "\(Self.escaped(name).uppercased())" "\(section)" "" "millrace \(Installation.version)" "Millrace"
            .nh
            .ad l
            .SH NAME
            \(Self.escaped(name)) \\- \(Self.escaped(abstract))

            """
    }

    mutating func heading(_ words: String) { line(".SH \(words)") }

    /// Paragraphs, with blank lines between them; indented lines are examples and stay as they are.
    mutating func prose(_ prose: String) {
        var isExample = false
        for words in prose.split(separator: "\n", omittingEmptySubsequences: false) {
            let isIndented = words.hasPrefix("  ")
            if isIndented != isExample, !words.isEmpty || isExample {
                line(isIndented ? ".PP\n.nf\n.RS 4" : ".RE\n.fi")
                isExample = isIndented
            }
            if words.isEmpty { line(".PP") } else { line(Self.protected(isIndented ? words.dropFirst(2) : words)) }
        }
        if isExample { line(".RE\n.fi") }
    }

    /// A term and what it means.
    mutating func item(_ term: String, _ meaning: String) {
        line(".TP\n\\fB\(Self.escaped(term))\\fR")
        line(Self.protected(meaning[...]))
    }

    private mutating func line(_ line: String) { text += line + "\n" }

    /// A line of text that no word of it makes a request of: those begin with a dot or an apostrophe.
    private static func protected(_ line: Substring) -> String {
        let text = escaped(String(line))
        return text.hasPrefix(".") || text.hasPrefix("'") ? "\\&\(text)" : text
    }

    private static func escaped(_ text: String) -> String {
        var result = ""
        for character in text {
            switch character {
            case "\\": result += "\\e"
            case "-": result += "\\-"
            case "\"": result += "\\(dq"
            default: result.append(character)
            }
        }
        return result
    }
}

extension ManualPage {
    /// All pages: one for each command that --help shows, for graph documents, the configuration file and the workers' protocol.
    static var all: [ManualPage] {
        let description = (try? JSONObject(parsing: Array(Millrace._dumpHelp().utf8)))?["command"]?.object ?? [:]
        return CommandDescription(description, parents: []).pages + [graph, configuration, worker]
    }

    private static var configuration: ManualPage {
        var page = ManualPage("millrace.yaml", section: 5, abstract: "the configuration of the Millrace daemon")
        page.heading("DESCRIPTION")
        page.prose(
            """
            The daemon reads \(ConfigurationLoader.systemFile), or the file that --config names. Nothing must be set. A key
            a.b_c stands under its sections a and b_c, or as a.b_c; it is also the environment variable MILLRACE_A_B_C. Flags
            win over the environment, the environment over the file.

            A running daemon reads the file again on SIGHUP (systemctl reload millrace) and takes over the keys that say so;
            for the others it logs that they need a restart. A file with a fault changes nothing.
            """)
        page.heading("KEYS")
        for key in ConfigurationKey.all {
            let reload = key.appliesOnReload ? " A reload applies it." : ""
            page.item(
                key.name,
                "\(key.summary) Takes \(key.type.expectation).\(reload) Default: \(key.text(key.defaultValue))")
        }
        page.heading("SEE ALSO")
        page.prose("millrace-serve(1), millrace-config(1)")
        return page
    }
}

/// One command as the argument parser describes it.
private struct CommandDescription {
    private let name: String
    private let description: JSONObject
    private let parents: [String]

    init(_ description: JSONObject, parents: [String]) {
        self.description = description
        self.parents = parents
        name = (parents + [description["commandName"]?.string ?? ""]).joined(separator: " ")
    }

    /// The command's page and those of its subcommands.
    var pages: [ManualPage] { [page] + subcommands.flatMap(\.pages) }

    private var pageName: String { name.split(separator: " ").joined(separator: "-") }

    private var abstract: String { description["abstract"]?.string ?? "" }

    private var subcommands: [CommandDescription] {
        (description["subcommands"]?.array ?? []).compactMap(\.object)
            .filter { $0["shouldDisplay"]?.bool != false && $0["commandName"]?.string != "help" }
            .map { CommandDescription($0, parents: name.split(separator: " ").map(String.init)) }
    }

    private var arguments: [ArgumentDescription] {
        (description["arguments"]?.array ?? []).compactMap(\.object)
            .filter { $0["shouldDisplay"]?.bool != false }.map(ArgumentDescription.init)
    }

    /// Whether it works through a daemon.
    private var hasServer: Bool { arguments.contains { $0.term.contains("--server") } }

    private var page: ManualPage {
        var page = ManualPage(
            pageName, section: 1, abstract: abstract.hasSuffix(".") ? String(abstract.dropLast()) : abstract)
        page.heading("SYNOPSIS")
        let rest = arguments.map(\.synopsis) + (subcommands.isEmpty ? [] : ["command"])
        page.prose(([name] + rest).joined(separator: " "))
        if let discussion = description["discussion"]?.string {
            page.heading("DESCRIPTION")
            page.prose(discussion)
        }
        if !arguments.isEmpty { page.heading("OPTIONS") }
        for argument in arguments { page.item(argument.term, argument.meaning) }
        if !subcommands.isEmpty { page.heading("COMMANDS") }
        for command in subcommands { page.item("\(command.pageName)(1)", command.abstract) }
        if subcommands.isEmpty || parents.isEmpty {
            page.surroundings(isDaemon: pageName == "millrace-serve", hasServer: hasServer)
        }
        page.heading("SEE ALSO")
        let others = (parents.isEmpty ? [] : ["\(parents.joined(separator: "-"))(1)"])
        page.prose((others + ["millrace-graph(5)", "millrace.yaml(5)"]).joined(separator: ", "))
        return page
    }
}

/// One option, flag or argument of a command.
private struct ArgumentDescription {
    private let description: JSONObject

    init(_ description: JSONObject) {
        self.description = description
    }

    private var value: String { "<\(description["valueName"]?.string ?? "value")>" }
    private var isFlag: Bool { description["kind"]?.string == "flag" }

    private var names: [String] {
        (description["names"]?.array ?? []).compactMap(\.object).map { name in
            (name["kind"]?.string == "long" ? "--" : "-") + (name["name"]?.string ?? "")
        }
    }

    var term: String {
        if names.isEmpty { return value }
        return names.joined(separator: ", ") + (isFlag ? "" : " \(value)")
    }

    var synopsis: String {
        let name = names.last { $0.hasPrefix("--") } ?? names.first
        let part = name.map { isFlag ? $0 : "\($0) \(value)" } ?? value
        let repeated = description["isRepeating"]?.bool == true ? "\(part) ..." : part
        return description["isOptional"]?.bool == true ? "[\(repeated)]" : repeated
    }

    var meaning: String {
        let words = description["abstract"]?.string ?? ""
        guard let value = description["defaultValue"]?.string, !isFlag else { return words }
        return "\(words) Default: \(value)"
    }
}
