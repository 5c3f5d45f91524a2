// The stored form of what a log says of hosted graphs.

import JSON

extension HostedTask {
    static func encode(_ tasks: [HostedTask], to writer: inout ByteWriter) {
        writer.append(varint: tasks.count)
        for task in tasks {
            writer.append(counted: task.name)
            writer.append(byte: task.input == nil ? 0 : 1)
            if let input = task.input { writer.append(members: input) }
        }
    }

    static func decode(from reader: inout RecordReader) throws(RecordError) -> [HostedTask] {
        var tasks: [HostedTask] = []
        var names: Set<String> = []
        for _ in 0..<(try reader.varint()) {
            let name = try reader.string()
            guard names.insert(name).inserted else { throw RecordError(message: "a scope has two nodes of one name") }
            let hasInput = try reader.byte() != 0
            tasks.append(HostedTask(name: name, input: hasInput ? try reader.object() : nil))
        }
        return tasks
    }
}

extension HostedKept {
    /// A byte that says what follows: 0 nothing, 1 the space, 3 its content too.
    static func encode(_ kept: HostedKept?, to writer: inout ByteWriter) {
        writer.append(byte: kept == nil ? 0 : kept?.content == nil ? 1 : 3)
        guard let kept else { return }
        writer.append(counted: kept.space)
        if let content = kept.content { writer.append(counted: content.bytes) }
    }

    static func decode(from reader: inout RecordReader) throws(RecordError) -> HostedKept? {
        let fields = try reader.byte()
        guard fields != 0 else { return nil }
        let space = try reader.string()
        return HostedKept(space: space, content: fields == 3 ? JSONText(trusted: try reader.counted()) : nil)
    }
}

extension HostedNotes {
    func encode(to writer: inout ByteWriter) {
        writer.append(members: output)
        writer.append(byte: writes == nil ? 0 : 1)
        guard let writes else { return }
        writer.append(counted: writes.task)
        writer.append(counted: writes.content.bytes)
    }

    init(from reader: inout RecordReader) throws(RecordError) {
        output = try reader.object()
        guard try reader.byte() != 0 else { return }
        let task = try reader.string()
        writes = HostedWrites(task: task, content: JSONText(trusted: try reader.counted()))
    }
}
