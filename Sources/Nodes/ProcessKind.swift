import Executions
import Graphs
import JSON

/// Makes a template into what renders it over a call's state; throws when it does not compile.
package typealias TemplateSource =
    @Sendable (String) throws(NodeFailure) -> (@Sendable (NodeCall) async -> Result<String, NodeFailure>)

/// `process`: runs a program once per attempt. The state goes in by stdin, the update comes out by stdout.
package struct ProcessKind: NodeKind {
    package let name = "process"
    package let title = "Process"
    package let summary = """
        Runs any command, with the state as JSON on its stdin and its stdout as the update. The update is a JSON object; \
        each line on stderr becomes an output of the node.
        """
    package let configSchema: JSONText = [
        "type": "object",
        "properties": [
            "command": [
                "title": "Command", "description": "Program and arguments; no shell is involved.", "type": "array",
                "items": ["type": "string"], "minItems": 1, "examples": [["sort", "-u"]],
            ],
            "input": [
                "title": "Input",
                "description":
                    "What the program reads on stdin: state (as JSON), none, or a template for the text itself.",
                "type": "string", "default": "state",
            ],
            "output": [
                "title": "Output", "description": "What stdout is: json, an object, or text, which goes into key.",
                "enum": ["json", "text"], "default": "json",
            ],
            "key": [
                "title": "Key", "description": "The key that takes stdout as text.", "type": "string", "minLength": 1,
            ],
            "environment": [
                "title": "Environment", "description": "Variables beside the few that every program gets.",
                "type": "object", "additionalProperties": ["type": "string"],
            ],
        ],
        "required": ["command"], "additionalProperties": false,
    ]
    package let runsCode = true

    private let launcher: any ProcessLauncher
    private let clock: any Clock
    private let environment: ChildrenEnvironment
    private let python: PythonSettings
    private let templates: TemplateSource

    /// - Parameters:
    ///   - python: whose programs are found by name.
    ///   - templates: compiles an `input` that is neither `state` nor `none`.
    package init(
        launcher: any ProcessLauncher, clock: any Clock, environment: ChildrenEnvironment = .daemon,
        python: PythonSettings = PythonSettings(), templates: @escaping TemplateSource
    ) {
        self.launcher = launcher
        self.clock = clock
        self.environment = environment
        self.python = python
        self.templates = templates
    }

    package func compile(_ config: JSONObject, files: GraphFiles) throws(GraphFaults) -> any NodeBody {
        ProcessBody(
            config: try ProcessConfig(config, templates: templates), launcher: launcher, clock: clock,
            environment: environment, python: python)
    }
}

/// A node's config, checked.
struct ProcessConfig: Sendable {
    enum Input: Sendable {
        case state
        case none
        case template(@Sendable (NodeCall) async -> Result<String, NodeFailure>)
    }

    enum Output: Sendable {
        case json
        case text(JSONKey)
    }

    let command: [String]
    let input: Input
    let output: Output
    let environment: [String: String]

    init(_ config: JSONObject, templates: TemplateSource) throws(GraphFaults) {
        command = config["command"]?.array?.compactMap(\.string) ?? []
        environment = Dictionary(
            uniqueKeysWithValues: (config["environment"]?.object ?? [:]).map { ($0.key.string, $0.value.string ?? "") })
        var faults = Self.faults(command) + Self.faults(environment)
        output = Self.output(config, &faults)
        input = Self.input(config["input"]?.string ?? "state", templates, &faults)
        guard faults.isEmpty else { throw GraphFaults(faults) }
    }

    static func faults(_ command: [String]) -> [GraphFault] {
        var faults: [GraphFault] = []
        for (index, word) in command.enumerated() where word.utf8.contains(0) {
            faults.append(GraphFault(pointer: "/command/\(index)", message: "must not hold U+0000"))
        }
        if command.first?.isEmpty == true {
            faults.append(GraphFault(pointer: "/command/0", message: "the program's name must not be empty"))
        }
        return faults
    }

    private static func faults(_ environment: [String: String]) -> [GraphFault] {
        environment.sorted { $0.key < $1.key }.compactMap { name, value in
            let isName = !name.isEmpty && !name.utf8.contains(UInt8(ascii: "=")) && !name.utf8.contains(0)
            guard !isName || value.utf8.contains(0) else { return nil }
            let message = isName ? "the value of \(name) must not hold U+0000" : "\"\(name)\" is no name of a variable"
            return GraphFault(pointer: "/environment", message: message)
        }
    }

    private static func output(_ config: JSONObject, _ faults: inout [GraphFault]) -> Output {
        let key = config["key"]?.string
        guard config["output"]?.string == "text" else {
            if key != nil {
                faults.append(GraphFault(pointer: "/key", message: "only output \"text\" goes into a key"))
            }
            return .json
        }
        if key == nil { faults.append(GraphFault(pointer: "/output", message: "output \"text\" needs a key")) }
        return .text(JSONKey(key ?? ""))
    }

    private static func input(_ text: String, _ templates: TemplateSource, _ faults: inout [GraphFault]) -> Input {
        if text == "state" { return .state }
        if text == "none" { return .none }
        do {
            return .template(try templates(text))
        } catch {
            faults.append(GraphFault(pointer: "/input", message: error.message))
            return .none
        }
    }
}
