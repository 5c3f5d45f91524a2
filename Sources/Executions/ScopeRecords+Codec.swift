// The stored form of what a log says of scopes.

import JSON

extension ScopeOpening {
    private static let hasIndex: UInt8 = 1, isRevision: UInt8 = 2, hasInput: UInt8 = 4, hasTotal: UInt8 = 8,
        isHosted: UInt8 = 16

    func encode(to writer: inout ByteWriter) {
        writer.append(varint: Int(scope))
        writer.append(varint: rank)
        writer.append(varint: attempt)
        var flags: UInt8 = index == nil ? 0 : Self.hasIndex
        if topology.isRevision { flags |= Self.isRevision }
        if topology.isHosted { flags |= Self.isHosted }
        if state.hasInput { flags |= Self.hasInput }
        if total != nil { flags |= Self.hasTotal }
        writer.append(byte: flags)
        if let index { writer.append(varint: index) }
        if let total { writer.append(varint: total) }
        if case .revision(let graphID, let number) = topology {
            writer.append(counted: graphID)
            writer.append(varint: number)
        }
        if case .hosted(let tasks) = topology { HostedTask.encode(tasks, to: &writer) }
        writer.append(varint: state.without.count)
        for key in state.without { writer.append(counted: key.token) }
        writer.append(members: state.values)
        if topology.isHosted { HostedKept.encode(kept, to: &writer) }
    }

    convenience init(from reader: inout RecordReader) throws(RecordError) {
        let scope = try reader.scope()
        let rank = try reader.varint()
        let attempt = try reader.varint()
        let flags = try reader.byte()
        let index = flags & Self.hasIndex == 0 ? nil : try reader.varint()
        let total = flags & Self.hasTotal == 0 ? nil : try reader.varint()
        var topology = ScopeTopology.nested
        if flags & Self.isRevision != 0 {
            topology = .revision(graphID: try reader.string(), number: try reader.varint())
        } else if flags & Self.isHosted != 0 {
            topology = .hosted(try HostedTask.decode(from: &reader))
        }
        var state = ScopeState(hasInput: flags & Self.hasInput != 0)
        for _ in 0..<(try reader.varint()) { state.without.append(JSONKey(canonical: try reader.counted())) }
        state.values = try reader.object()
        self.init(
            scope: scope, rank: rank, attempt: attempt, index: index, total: total, topology: topology,
            state: state, kept: topology.isHosted ? try HostedKept.decode(from: &reader) : nil)
    }
}

extension ScopeClosing {
    private static let hasIndex: UInt8 = 1, hasValue: UInt8 = 2, hasFailure: UInt8 = 4

    func encode(to writer: inout ByteWriter) {
        writer.append(varint: Int(scope))
        writer.append(varint: rank)
        writer.append(varint: attempt)
        writer.append(byte: UInt8(status.place))
        var flags: UInt8 = index == nil ? 0 : Self.hasIndex
        if value != nil { flags |= Self.hasValue }
        if failure != nil { flags |= Self.hasFailure }
        writer.append(byte: flags)
        if let index { writer.append(varint: index) }
        writer.append(varint: Int(durationMicroseconds))
        if let value { writer.append(counted: value.bytes) }
        if let failure {
            writer.append(counted: failure.message)
            writer.append(members: failure.details)
        }
    }

    convenience init(from reader: inout RecordReader) throws(RecordError) {
        let scope = try reader.scope()
        let rank = try reader.varint()
        let attempt = try reader.varint()
        let status = try reader.nodeStatus()
        let flags = try reader.byte()
        let index = flags & Self.hasIndex == 0 ? nil : try reader.varint()
        let duration = Int64(try reader.varint())
        let value = flags & Self.hasValue == 0 ? nil : JSONText(trusted: try reader.counted())
        var failure: NodeFailure?
        if flags & Self.hasFailure != 0 {
            let message = try reader.string()
            failure = NodeFailure(message, details: try reader.object())
        }
        self.init(
            scope: scope, rank: rank, attempt: attempt, index: index, status: status, durationMicroseconds: duration,
            value: value, failure: failure)
    }
}
