import ArgumentParser
import Client
import JSON

/// Which execution a command is about: its id, a part of it, or the newest one.
struct ExecutionReference: ParsableArguments {
    @Argument(
        help: ArgumentHelp(
            "The execution's id, or the beginning or end of it, which no other has.", valueName: "execution"),
        completion: Completions.executions)
    var id: String?

    @Flag(help: "The newest execution.")
    var last = false

    func validate() throws {
        guard (id != nil) != last else {
            throw ValidationError(last ? "--last stands in place of an id." : "Name an execution, or say --last.")
        }
    }

    /// The whole id.
    func resolve(_ client: APIClient) throws -> String {
        if let id { return try Self.resolve(id, client) }
        guard let newest = try Self.ids(client, limit: 1).first else {
            throw CommandFailure("there is no execution yet; millrace run starts one")
        }
        return newest
    }

    /// Executions in which a part of an id is looked for, the newest first.
    private static let searchedMax = 10_000
    /// Fewer characters stand for anything.
    private static let partMin = 4
    private static let wholeCount = 36

    /// - Parameter text: what has not the form of a part of an id is taken for an id.
    static func resolve(_ text: String, _ client: APIClient) throws -> String {
        let part = text.lowercased()
        let isPart = partMin..<wholeCount ~= part.count && part.allSatisfy { $0.isHexDigit && $0.isASCII || $0 == "-" }
        guard isPart else { return text }
        let found = try ids(client, limit: searchedMax).filter { $0.hasPrefix(part) || $0.hasSuffix(part) }
        guard found.count < 2 else {
            let shown = found.prefix(5).map { "  \($0)" }.joined(separator: "\n")
            throw CommandFailure("\(found.count) executions have ids that begin or end with \(text):\n\(shown)")
        }
        guard let only = found.first else {
            throw CommandFailure(
                "none of the newest \(searchedMax) executions has an id that begins or ends with \(text); "
                    + "millrace execution list shows them")
        }
        return only
    }

    private static func ids(_ client: APIClient, limit: Int) throws(ClientError) -> [String] {
        try client.pages(["api", "executions"], limit: limit).compactMap { $0["execution_id"]?.string }
    }
}
