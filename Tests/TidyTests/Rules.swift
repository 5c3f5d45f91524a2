import Foundation

/// The rules that a file's text can break. Each returns what it finds, a line for each fault.
enum Rules {
    static let fileLinesMax = 400
    static let functionLinesMax = 70

    /// Files that may be longer, with the reason.
    static let longFiles: [String: String] = [
        "Tests/System/test_http_surface.py": "one case for each rule of the HTTP surface"
    ]

    /// How often the compiler's check of data races is switched off in Sources. The number only falls.
    static let uncheckedCountMax = 8

    static func fileLength(_ path: String, _ source: String) -> [String] {
        let count =
            source.split(separator: "\n", omittingEmptySubsequences: false).count - (source.hasSuffix("\n") ? 1 : 0)
        guard count > fileLinesMax, longFiles[path] == nil else { return [] }
        return ["\(path): \(count) lines, at most \(fileLinesMax)"]
    }

    static func functionLengths(_ file: SwiftFile) -> [String] {
        Function.all(in: file).filter { $0.lineCount > functionLinesMax && !$0.isPlainSwitch }.map {
            "\(file.path):\($0.line): \($0.lineCount) lines, at most \(functionLinesMax): \($0.name)"
        }
    }

    /// Lines that switch the check of data races off.
    static func unchecked(_ file: SwiftFile) -> [Int] {
        file.code.lines.enumerated().filter { _, line in
            let words = line.split { " :,&({)}".contains($0) }
            return line.contains("nonisolated(unsafe)")
                || zip(words, words.dropFirst()).contains { $0 == ("@unchecked", "Sendable") }
        }.map { $0.offset + 1 }
    }

    /// Such lines without a `// because …` above them; attributes and further comment lines may stand between.
    static func unexplained(_ file: SwiftFile) -> [String] {
        return unchecked(file).filter { line in
            let above = zip(file.code.lines, file.code.comments).prefix(line - 1).reversed()
            let near = above.prefix { $1 != nil || $0.drop { $0 == " " }.hasPrefix("@") }
            return !near.contains { $1?.hasPrefix("// because ") == true }
        }.map { "\(file.path):\($0): no \"// because …\" on the line above" }
    }

    /// What has no place in the daemon: calls that hold a thread, hide an error or start threads of their own.
    static let forbidden = ["Thread.sleep", "usleep", "DispatchQueue", "Task.sleep", "try!", "fatalError("]

    static func forbiddenCalls(_ file: SwiftFile) -> [String] {
        file.code.lines.enumerated().flatMap { index, line in
            forbidden.filter(line.contains).map { "\(file.path):\(index + 1): \($0) has no place here" }
        }
    }

    static func catchAllNames(_ path: String) -> [String] {
        let parts = path.split(separator: "/").map { $0.split(separator: ".")[...].first.map(String.init) ?? "" }
        let names = ["Utils", "Util", "Utilities", "Helpers", "Helper", "Common", "Misc"]
        let isCatchAll = parts.contains { part in
            names.contains { part.lowercased() == $0.lowercased() || part.hasSuffix($0) || part.hasPrefix($0 + "+") }
        }
        return isCatchAll ? ["\(path): a name that says nothing"] : []
    }

    /// What may stand at the top of the repository, besides dotfiles.
    static let topLevel: Set<String> = ["Package.swift", "Sources", "Tests", "deploy", "config", "README.md"]

    static func topLevelNames(_ names: [String]) -> [String] {
        names.filter { !topLevel.contains($0) && !$0.hasPrefix(".") }.map { "\($0) does not belong at the top level" }
    }

    static func binary(_ path: String, _ bytes: Data) -> [String] {
        bytes.contains(0) || String(data: bytes, encoding: .utf8) == nil ? ["\(path): is not text"] : []
    }

    /// Paths that exist on one machine only: homes of people, folders of a build service.
    static func machinePaths(_ path: String, _ text: String) -> [String] {
        let roots = ["work", "workspace", "Users", "root", "builds"].map { "/\($0)/" }
        return text.split(separator: "\n", omittingEmptySubsequences: false).enumerated().filter { _, line in
            roots.contains { root in
                line.ranges(of: root).contains { range in
                    guard range.lowerBound > line.startIndex else { return true }
                    let before = line[line.index(before: range.lowerBound)]
                    return !(before.isLetter || before.isNumber || "_-.~}*".contains(before))
                }
            }
        }.map { "\(path):\($0.offset + 1): a path of one machine" }
    }
}
