import ArgumentParser
import Client
import JSON

/// What shells complete besides names of files and words of a fixed list: what a daemon has. It is asked while somebody waits
/// at a prompt, so it has little time, and where none answers nothing is offered.
enum Completions {
    private static let milliseconds = 1_500
    private static let itemsMax = 100

    /// Ids of graphs, beside which `CompletionScript` has the shell offer the documents that there are.
    static let graphs = CompletionKind.custom { words, _, _ in
        items(["api", "graphs"], words).compactMap { item in
            item["id"]?.string.map { described($0, item["name"]?.string ?? "") }
        }
    }

    /// Ids of executions, the newest first.
    static let executions = CompletionKind.custom { words, _, _ in
        items(["api", "executions"], words).compactMap { item in
            let facts = ["graph_id", "status", "created_at"].compactMap { item[JSONKey($0)]?.string }
            return item["execution_id"]?.string.map { described($0, facts.joined(separator: " ")) }
        }
    }

    private static func items(_ path: [String], _ words: [String]) -> [JSONText] {
        var environment = ProcessEnvironment.current
        // A server that the command line names, as far as it is written by now.
        if let place = words.firstIndex(of: "--server"), place + 1 < words.count {
            environment[ServerOptions.variable] = words[place + 1]
        }
        let client = try? ServerOptions.quietClient(environment, timeoutMilliseconds: milliseconds)
        return (try? client?.pages(path, limit: itemsMax)) ?? []
    }

    /// With its description, where the shell shows one; what it would take for something else is left out.
    private static func described(_ id: String, _ words: String) -> String {
        let text = TerminalText.line(words).filter { $0 != ":" || CompletionShell.requesting == .fish }
        guard !text.isEmpty else { return id }
        switch CompletionShell.requesting {
        case .zsh?: return "\(id):\(text)"
        case .fish?: return "\(id)\t\(text)"
        default: return id
        }
    }
}
