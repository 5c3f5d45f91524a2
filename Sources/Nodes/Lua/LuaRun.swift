import CLua
import Executions
import JSON
import Synchronization

/// What a program sees, and where its output goes.
package struct LuaScope: Sendable {
    package let state: State
    /// The global `nodes`; nil where there is none.
    package let nodes: ConditionNodes?
    package let output: NodeOutput?
    /// Nil: without a bound that is common to all.
    package let room: ProgramRoom?

    package init(state: State, nodes: ConditionNodes? = nil, output: NodeOutput? = nil, room: ProgramRoom? = nil) {
        self.state = state
        self.nodes = nodes
        self.output = output
        self.room = room
    }
}

/// How far a run has come.
package enum LuaStep: Sendable {
    /// The bytes of the form that was asked for.
    case finished([UInt8])
    case failed(NodeFailure)
    /// The slice is over.
    case yielded
    /// It needs more memory than it was granted.
    case short
}

/// One run of a program. Its interpreter goes back to the engine when the run is let go, whether it has ended or not.
package final class LuaRun: Sendable {
    /// Nil if there was no memory for one.
    private let interpreter: LuaInterpreter?
    private let scope: LuaScope
    /// What it has put out and nobody has heard yet.
    private let outputs = Mutex<[(channel: String, data: JSONText)]>([])

    package init(_ program: LuaProgram, _ form: LuaForm, _ limits: LuaLimits, _ scope: LuaScope) {
        interpreter = LuaEngine.take()
        self.scope = scope
        // The run outlives its interpreter's use of it: `deinit` ends that.
        let context = Unmanaged.passUnretained(self).toOpaque()
        let host = mr_lua_host(context: context, read: readForLua, output: outputForLua)
        interpreter?.begin(program, form, limits, seesNodes: scope.nodes != nil, host)
    }

    deinit { if let interpreter { LuaEngine.putBack(interpreter) } }

    /// What a run may take of a thread at a time: long enough that changing over costs nothing, short enough that nobody waits
    /// for it.
    package static let sliceNanoseconds: UInt64 = 2_000_000

    /// Runs on, for about the time given; 0 is to the end. Not to be called again once it has ended.
    package func step(sliceNanoseconds: UInt64 = LuaRun.sliceNanoseconds) -> LuaStep {
        guard let interpreter else { return .failed(NodeFailure(LuaEngine.noMemory)) }
        return switch interpreter.resume(sliceNanoseconds: sliceNanoseconds) {
        case MR_LUA_FINISHED: .finished(interpreter.result)
        case MR_LUA_YIELDED: .yielded
        case MR_LUA_SHORT: .short
        default: .failed(failure(of: interpreter))
        }
    }

    /// What it may use from its beginning until more is granted.
    func grant(_ bytes: Int) { interpreter?.grant(max(bytes, 0)) }

    /// What it has put out so far is put out; until then it could still begin anew.
    func sendOutputs() {
        let outputs = outputs.withLock { outputs in
            defer { outputs = [] }
            return outputs
        }
        for (channel, data) in outputs { scope.output?.emit(channel, data) }
    }

    var cpuNanoseconds: UInt64 { interpreter?.cpuNanoseconds ?? 0 }

    private func failure(of interpreter: LuaInterpreter) -> NodeFailure {
        let traceback = interpreter.traceback
        return NodeFailure(
            String(decoding: interpreter.result, as: UTF8.self),
            details: traceback.isEmpty ? [:] : ["traceback": JSONText(traceback)])
    }

    /// The JSON of `state[key]`, or of all of it.
    fileprivate func value(in table: mr_lua_table, _ key: String?) -> JSONText? {
        if table == MR_LUA_STATE {
            return key.map { scope.state[JSONKey($0)] } ?? scope.state.text
        }
        guard let nodes = scope.nodes else { return nil }
        if let key { return nodes[key].map { JSONText($0.object) } }
        return JSONText(JSONObject(nodes.all.map { (JSONKey($0.id), JSONText($0.node.object)) }))
    }

    fileprivate func emit(_ channel: mr_lua_channel, _ data: JSONText) {
        guard scope.output != nil else { return }
        outputs.withLock { $0.append((channel == MR_LUA_LOG ? "log" : "chunk", data)) }
    }
}

extension ConditionNode {
    fileprivate var object: JSONObject {
        ["status": JSONText(status.rawValue), "update": JSONText(update)]
    }
}

private func readForLua(
    _ context: UnsafeMutableRawPointer?, _ lua: OpaquePointer?, _ table: mr_lua_table, _ key: UnsafePointer<CChar>?,
    _ length: Int
) -> Bool {
    let run = Unmanaged<LuaRun>.fromOpaque(context!).takeUnretainedValue()
    var name: String?
    if let key {
        // A key that is no UTF-8 is in no state.
        name = String(validating: UnsafeRawBufferPointer(start: key, count: length), as: UTF8.self)
        if name == nil { return false }
    }
    guard let value = run.value(in: table, name) else { return false }
    value.bytes.withUnsafeBytes { mr_lua_give(lua, $0.baseAddress, $0.count) }
    return true
}

private func outputForLua(
    _ context: UnsafeMutableRawPointer?, _ channel: mr_lua_channel, _ json: UnsafePointer<CChar>?, _ length: Int
) {
    let run = Unmanaged<LuaRun>.fromOpaque(context!).takeUnretainedValue()
    run.emit(channel, JSONText(trusted: [UInt8](UnsafeRawBufferPointer(start: json, count: length))))
}
