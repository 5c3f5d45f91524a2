// Which scopes are open, for whoever reads records one after the other, and what stands of them in events.

import Graphs
import JSON
import Synchronization

/// Revisions of graphs that nodes of an execution have pinned. Whoever brings records of them brings them first, since reading
/// one may block.
package final class PinnedRevisions: Sendable {
    private struct Key: Hashable {
        let graphID: String
        let number: Int
    }
    private let revisions = Mutex<[Key: GraphRevision]>([:])

    package init() {}

    package subscript(id: String, number: Int) -> GraphRevision? {
        revisions.withLock { $0[Key(graphID: id, number: number)] }
    }

    package func pin(_ revision: GraphRevision) {
        let key = Key(graphID: revision.identity.id, number: revision.identity.revision)
        revisions.withLock { $0[key] = revision }
    }

    /// The revisions that records pin. Blocks.
    package static func revisions(
        in slice: EventLog.Slice, from graphs: (any InnerGraphs)?
    ) throws(StoreError) -> [GraphRevision] {
        var keys: Set<Key> = []
        slice.forEachRecord { record in
            guard EventRecord.Tag.opensScope(record), case .scopeOpened(let opening)? = EventRecord.decoded(record),
                case .revision(let id, let number) = opening.topology
            else { return }
            keys.insert(Key(graphID: id, number: number))
        }
        var revisions: [GraphRevision] = []
        for key in keys {
            if let revision = try graphs?.readable(key.number, of: key.graphID) { revisions.append(revision) }
        }
        return revisions
    }
}

extension EventRecord {
    /// Nil for bytes that are no record: whoever goes on to render them says so.
    fileprivate static func decoded(_ record: UnsafeRawBufferPointer) -> Body? {
        do {
            return try EventRecord(decoding: record).body
        } catch {
            return nil
        }
    }
}

extension EventRecord.Tag {
    fileprivate static func opensScope(_ record: UnsafeRawBufferPointer) -> Bool {
        record.first.map { $0 & ~scopeBit == Self.scopeOpened.rawValue } ?? false
    }
}

/// The scopes that are open at a place in a log.
package struct ScopeViews: Sendable {
    package struct View: Sendable {
        package internal(set) var revision: GraphRevision
        package let parent: NodeRef
        package let index: Int?
        package let depth: Int
        /// Its path as JSON, without the closing bracket.
        let path: [UInt8]
        var flow: StateFlow?
        /// A library runs it.
        let isHosted: Bool
        /// Of a step of a hosted graph, in place of a flow.
        var hosted: HostedStates?
    }

    let root: GraphRevision
    private let pinned: PinnedRevisions
    private var open: [Int32: View] = [:]

    package init(root: GraphRevision, pinned: PinnedRevisions) {
        self.root = root
        self.pinned = pinned
    }

    package var isEmpty: Bool { open.isEmpty }

    package subscript(scope: Int32) -> View? {
        _read { yield open[scope] }
        _modify { yield &open[scope] }
    }

    /// The graph that a scope runs; nil if it is not open.
    package func revision(_ scope: Int32) -> GraphRevision? { scope == 0 ? root : open[scope]?.revision }

    /// Takes note of a scope that opens.
    /// - Parameter scope: of the enclosing node.
    package mutating func note(_ opening: ScopeOpening, in scope: Int32) throws(RecordError) {
        if case .hosted(let tasks) = opening.topology, let view = open[opening.scope] {
            open[opening.scope]?.revision = view.revision.adding(tasks.map(\.name))
            open[opening.scope]?.hosted?.add(tasks)
            return
        }
        guard let outer = revision(scope), outer.graph.nodes.indices.contains(opening.rank) else {
            throw RecordError(message: "a scope lies in none that is open")
        }
        var path = ByteWriter(capacity: 32)
        if let around = open[scope] {
            path.append(around.path)
            path.append(byte: UInt8(ascii: ","))
        } else {
            path.append(byte: UInt8(ascii: "["))
        }
        outer.appendID(ofRank: opening.rank, to: &path)
        if let index = opening.index {
            path.append(byte: UInt8(ascii: ","))
            path.append(decimal: index)
        }
        open[opening.scope] = View(
            revision: try revision(of: opening, in: outer), parent: NodeRef(scope: scope, rank: opening.rank),
            index: opening.index, depth: (open[scope]?.depth ?? 0) + 1, path: path.bytes,
            isHosted: opening.topology.isHosted)
    }

    package mutating func note(_ closing: ScopeClosing) { open[closing.scope] = nil }

    private func revision(of opening: ScopeOpening, in outer: GraphRevision) throws(RecordError) -> GraphRevision {
        switch opening.topology {
        case .nested:
            if let nested = outer.nested[opening.rank] { return nested }
            throw RecordError(message: "a node has no graph within it")
        case .revision(let id, let number):
            if let pinned = pinned[id, number] { return pinned }
            throw RecordError(message: "revision \(number) of graph \(id) is no longer kept")
        case .hosted(let tasks): return .hosted(tasks.map(\.name), in: root.identity)
        }
    }

    /// Appends `,"path":[…]` for a node of a scope; nothing for scope 0.
    func appendPath(_ scope: Int32, to writer: inout ByteWriter) {
        guard scope != 0, let view = open[scope] else { return }
        writer.append(",\"path\":")
        writer.append(view.path)
        writer.append(byte: UInt8(ascii: "]"))
    }
}

extension ScopeOpening {
    /// Appends what the event says of it, as JSON.
    func renderData(_ views: ScopeViews, to writer: inout ByteWriter) {
        writer.append("{\"status\":\"running\"")
        if let index {
            writer.append(",\"index\":")
            writer.append(decimal: index)
        }
        if let total {
            writer.append(",\"total\":")
            writer.append(decimal: total)
        }
        if case .revision(let id, let number) = topology {
            writer.append(",\"graph\":")
            writer.appendJSONString(id)
            writer.append(",\"revision\":")
            writer.append(decimal: number)
        }
        writer.append(",\"node_count\":")
        writer.append(decimal: views[scope]?.revision.graph.nodes.count ?? 0)
        writer.append(byte: UInt8(ascii: "}"))
    }
}

extension ScopeClosing {
    /// Appends what the event says of it, as JSON.
    func renderData(to writer: inout ByteWriter) {
        writer.append(byte: UInt8(ascii: "{"))
        if let index {
            writer.append("\"index\":")
            writer.append(decimal: index)
            writer.append(byte: UInt8(ascii: ","))
        }
        writer.append("\"status\":\"")
        writer.append(status.name)
        writer.append("\",\"duration_ms\":")
        writer.append(milliseconds: durationMicroseconds)
        if let failure {
            writer.append(",\"error\":")
            writer.appendJSONString(failure.message)
        }
        writer.append(byte: UInt8(ascii: "}"))
    }
}
