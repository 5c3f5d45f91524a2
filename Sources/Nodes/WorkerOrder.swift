import Executions
import Graphs
import JSON

/// Lines to a worker (millrace-worker(7)).
enum WorkerOrder {
    /// The version of the protocol that this daemon speaks.
    static let version = 1
    /// The descriptor that a worker may make its standard output: what is written there is told on channel `stdout`.
    static let outputDescriptor = 4

    static let hello = Array("{\"hello\":\(version),\"stdout\":\(outputDescriptor)}\n".utf8)

    /// - Parameter isBegun: the call begins as soon as the worker has it, without a word from there.
    static func call(
        _ number: Int, target: JSONText, _ call: NodeCall, isBegun: Bool, _ reference: StateReference
    ) -> [UInt8] {
        var writer = ByteWriter(capacity: (reference.isWhole ? call.state.bytes : 0) + target.bytes.count + 256)
        writer.append("{\"call\":")
        writer.append(decimal: number)
        writer.append(",\"node\":")
        writer.appendJSONString(call.nodeID)
        writer.append(",\"attempt\":")
        writer.append(decimal: call.attempt)
        writer.append(",\"key\":")
        writer.appendJSONString(call.idempotencyKey)
        if let trace = call.trace {
            writer.append(",\"traceparent\":")
            writer.appendJSONString(trace.description)
        }
        writer.append(",\"target\":")
        writer.append(json: target)
        if isBegun { writer.append(",\"begun\":true") }
        if let kept = call.kept {
            writer.append(",\"kept\":")
            writer.append(json: kept)
        }
        if let thread = call.thread {
            writer.append(",\"thread\":")
            writer.appendJSONString(thread)
        }
        if !call.config.isEmpty {
            writer.append(",\"config\":")
            writer.append(json: JSONText(call.config))
        }
        let reducers = call.state.reducers
        if !reducers.isEmpty { write(reducers, to: &writer) }
        switch reference {
        case .whole(let isKept):
            if isKept { writer.append(",\"keep\":true") }
            writer.append(",\"state\":")
            call.state.write(to: &writer)
        case .input(let known):
            writer.append(",\"state_of\":")
            writer.append(decimal: known)
        case .output(let known):
            writer.append(",\"state_after\":")
            writer.append(decimal: known)
        }
        writer.append("}\n")
        return writer.bytes
    }

    static func cancel(_ number: Int) -> [UInt8] {
        Array("{\"cancel\":\(number)}\n".utf8)
    }

    /// What it hosts is to end at the next good place.
    static func drain(_ number: Int) -> [UInt8] {
        Array("{\"drain\":\(number)}\n".utf8)
    }

    private static func write(_ reducers: [JSONKey: Reducer], to writer: inout ByteWriter) {
        writer.append(",\"reducers\":{")
        for (index, (key, reducer)) in reducers.enumerated() {
            if index > 0 { writer.append(byte: UInt8(ascii: ",")) }
            writer.append(key: key)
            writer.append(byte: UInt8(ascii: ":"))
            writer.appendJSONString(reducer.rawValue)
        }
        writer.append(byte: UInt8(ascii: "}"))
    }
}
