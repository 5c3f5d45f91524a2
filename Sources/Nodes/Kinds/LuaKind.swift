import Executions
import Graphs
import JSON

/// `lua`: a program of a few lines, in a sandbox.
struct LuaKind: NodeKind {
    let name = "lua"
    let title = "Lua"
    let summary = """
        Computes new values with a few lines of Lua 5.4, in a sandbox. They see the state, and neither files, network, clock \
        nor chance.
        """
    let runsCode = false
    let limits: LuaLimits

    let configSchema: JSONText = [
        "type": "object",
        "properties": [
            "code": [
                "type": "string", "minLength": 1, "title": "Code",
                "description": """
                Statements that return a table, the node's update, or nothing: `return {total = state.a + state.b}`. \
                They see `state`, `null`, `array(t)`, which makes an empty table an array, `emit(x)`, which sends x \
                to the channel `chunk`, and `print`, which writes to the channel `log`. `null` is false in tests, as nil \
                is; 0 and "" are true. Numbers that are only handed on keep their digits; computing is exact for \
                integers of 64 bits and to 15 digits for others, and larger integers are refused.
                """,
            ],
            "expression": [
                "type": "string", "minLength": 1, "title": "Expression",
                "description": "An expression over `state`, in place of code. 0 and \"\" are true, null is false.",
            ],
            "key": [
                "type": "string", "title": "Key",
                "description": "The key of the state that the expression's value is written to.",
            ],
        ],
        "additionalProperties": false,
        "oneOf": [
            ["title": "code", "required": ["code"]],
            ["title": "expression and key", "required": ["expression", "key"]],
        ],
    ]

    func compile(_ config: JSONObject, files: GraphFiles) throws(GraphFaults) -> any NodeBody {
        do {
            if let code = config["code"]?.string {
                guard config["expression"] == nil else { throw GraphFaults("takes code or an expression, not both") }
                guard config["key"] == nil else {
                    throw GraphFaults(pointer: "/key", "belongs to an expression, not to code")
                }
                return LuaBody(program: try .chunk(code, name: "code"), key: nil, limits: limits)
            }
            guard let expression = config["expression"]?.string, let key = config["key"]?.string else {
                throw GraphFaults("needs code, or an expression and a key")
            }
            return LuaBody(program: try .expression(expression, name: "expression"), key: JSONKey(key), limits: limits)
        } catch let error as LuaSyntaxError {
            throw GraphFaults(pointer: config["code"] == nil ? "/expression" : "/code", error.message)
        } catch {
            throw error as? GraphFaults ?? GraphFaults("\(error)")
        }
    }
}

private struct LuaBody: NodeBody {
    let program: LuaProgram
    /// Where an expression's value goes; nil if the program returns the update.
    let key: JSONKey?
    let limits: LuaLimits

    /// Its limits see to the little.
    var onlyComputes: Bool { true }

    func start(_ call: NodeCall) -> NodeStart {
        let item = LuaSequence.Item(program: program, form: key == nil ? .object : .json)
        var sequence = LuaSequence(
            [item], limits, LuaScope(state: call.state, output: call.output, room: call.room))
        if let outcome = outcome(of: sequence.step()) { return .finished(outcome) }
        return .waiting { [sequence] in await finish(sequence) }
    }

    private func finish(_ sequence: LuaSequence) async -> NodeOutcome {
        guard let outcome = outcome(of: await sequence.finish()) else {
            preconditionFailure("what has finished does not yield")
        }
        return outcome
    }

    private func outcome(of step: LuaSequence.Step) -> NodeOutcome? {
        switch step {
        case .yielded, .waiting: return nil
        case .failed(let failure, _): return .failure(failure)
        case .finished(let results):
            let value = JSONText(trusted: results[0])
            if let key { return .success(update: [key: value]) }
            return .success(update: value.object ?? [:])
        }
    }
}
