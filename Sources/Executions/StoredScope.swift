/// Where a scope lies: a node, and the index where the node has such.
package struct ScopePlace: Sendable, Hashable {
    package let node: NodeRef
    package let index: Int?

    package init(_ node: NodeRef, index: Int?) {
        self.node = node
        self.index = index
    }
}

/// What the history knows of a scope without reading its events. Times are microseconds.
package struct StoredScope: Sendable, Equatable {
    /// Its number; of one that took the place of one that had failed, the last.
    package let scope: Int32
    package let index: Int?
    /// The seq of its first opening.
    package let firstSeq: Int
    /// The seq of its last closing; nil while it is open.
    package let lastSeq: Int?
    /// Nil while it is open.
    package let status: NodeStatus?
    package let openedAtMicroseconds: Int64
    package let durationMicroseconds: Int64?
    package let error: String?

    package init(
        scope: Int32, index: Int?, firstSeq: Int, lastSeq: Int?, status: NodeStatus?, openedAtMicroseconds: Int64,
        durationMicroseconds: Int64?, error: String?
    ) {
        self.scope = scope
        self.index = index
        self.firstSeq = firstSeq
        self.lastSeq = lastSeq
        self.status = status
        self.openedAtMicroseconds = openedAtMicroseconds
        self.durationMicroseconds = durationMicroseconds
        self.error = error
    }
}

/// Which scopes of a node to list, by index.
package struct ScopeQuery: Sendable {
    /// Rows that are looked at for one page: some milliseconds.
    package static let rowsMax = 20_000

    /// Nil: all.
    package var progress: NodeProgress?
    /// Only those behind this index.
    package var after: Int
    package var limit: Int

    package init(progress: NodeProgress? = nil, after: Int = -1, limit: Int = 50) {
        self.progress = progress
        self.after = after
        self.limit = limit
    }

    package func takes(_ scope: StoredScope) -> Bool {
        progress == nil || progress == scope.progress
    }
}

extension StoredScope {
    package var progress: NodeProgress { status.map { NodeProgress($0) } ?? .running }
}

package struct ScopePage: Sendable {
    package var scopes: [StoredScope] = []
    /// Behind which index the next page begins; nil: there is none.
    package var next: Int?

    package init() {}
}

extension EventRecord {
    /// Told by the first byte of a record.
    package static func opensOrClosesScope(_ record: UnsafeRawBufferPointer) -> Bool {
        guard let first = record.first, let tag = Tag(rawValue: first & ~Tag.scopeBit) else { return false }
        return tag == .scopeOpened || tag == .scopeClosed
    }
}
