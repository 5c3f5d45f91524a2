// A change is compiled under the number that it will have, and stored if that is still the next one. If not, somebody else was
// quicker: the store says which number it has, and all begins again with that one, three times at most.

import Executions
import Graphs

extension GraphCatalog {
    /// How often a change is tried that others come before.
    static let triesMax = 3

    package typealias ChangeReply = @Sendable (Result<Change, ChangeError>) -> Void

    /// Stores a document as the next revision of its graph. It compiles on the calling thread, and then on the lane.
    /// - Parameters:
    ///   - text: the YAML that it is written in, nil for JSON.
    ///   - expecting: the revision that it replaces, 0 for none; nil: whatever is there.
    ///   - reply: called once, on the store's thread or the caller's: short, never blocking.
    package func put(
        _ content: GraphRevisionContent, text: [UInt8]? = nil, expecting: Int? = nil, on lane: BlockingLane,
        _ reply: @escaping ChangeReply
    ) {
        let new = NewGraph(
            id: content.graph.document.id, document: content.graph.document.source, text: text, files: content.files,
            folder: folder, createdAtMicroseconds: clock.wallMicroseconds)
        attempt(Put(new: new, content: content, expecting: expecting), head(of: new.id), 1, lane) { [self] result in
            if case .success = result { watchCode(of: content) }
            reply(result)
        }
    }

    /// The same, waiting on the calling thread.
    package func put(_ content: GraphRevisionContent, expecting: Int? = nil) throws(ChangeError) -> Change {
        let new = NewGraph(
            id: content.graph.document.id, document: content.graph.document.source, files: content.files,
            folder: folder, createdAtMicroseconds: clock.wallMicroseconds)
        let change = try put(new, content, expecting: expecting)
        watchCode(of: content)
        return change
    }

    /// What it imports is not watched yet, and may have changed since it was read.
    private func watchCode(of content: GraphRevisionContent) {
        if !content.code.isEmpty || !content.files.isEmpty { watch?.mark(graph: content.graph.document.id) }
    }

    /// The same for one that comes from a file, waiting on the calling thread.
    func put(_ new: NewGraph, _ content: GraphRevisionContent, expecting: Int?) throws(ChangeError) -> Change {
        let put = Put(new: new, content: content, expecting: expecting)
        var head = head(of: new.id)
        for _ in 0..<Self.triesMax {
            let revision = try compile(put, after: head)
            let change: GraphChange
            do {
                change = try waited { store.put(new, expecting: head.revision, $0) }
            } catch {
                throw .store(error)
            }
            switch change {
            case .stored: return adopt(revision, after: head)
            case .refused(let newer): head = newer
            }
        }
        throw .contended
    }

    /// Stores a deletion. Never blocks.
    package func delete(_ id: String, expecting: Int?, _ reply: @escaping @Sendable (Result<Void, ChangeError>) -> Void)
    {
        delete(id, expecting: expecting, head(of: id), 1, reply)
    }

    private func delete(
        _ id: String, expecting: Int?, _ head: GraphHead, _ number: Int,
        _ reply: @escaping @Sendable (Result<Void, ChangeError>) -> Void
    ) {
        guard head.current > 0, expecting == nil || expecting == head.current else {
            return reply(.failure(.conflict(current: head.current)))
        }
        store.deleteGraph(id, expecting: head.revision, atMicroseconds: clock.wallMicroseconds) { [self] result in
            switch result {
            case .failure(let error): reply(.failure(.store(error)))
            case .success(.stored(let deletion)):
                apply(GraphHead(revision: deletion.revision, isDeletion: true), id: id, nil)
                reply(.success(()))
            case .success(.refused(let newer)):
                guard number < Self.triesMax else { return reply(.failure(.contended)) }
                delete(id, expecting: expecting, newer, number + 1, reply)
            }
        }
    }

    private struct Put: Sendable {
        let new: NewGraph
        let content: GraphRevisionContent
        let expecting: Int?
    }

    private func attempt(
        _ put: Put, _ head: GraphHead, _ number: Int, _ lane: BlockingLane, _ reply: @escaping ChangeReply
    ) {
        let revision: GraphRevision
        do {
            revision = try compile(put, after: head)
        } catch {
            return reply(.failure(error))
        }
        store.put(put.new, expecting: head.revision) { [self] result in
            switch result {
            case .failure(let error): reply(.failure(.store(error)))
            case .success(.stored): reply(.success(adopt(revision, after: head)))
            case .success(.refused(let newer)):
                guard number < Self.triesMax else { return reply(.failure(.contended)) }
                lane.submit { [self] in attempt(put, newer, number + 1, lane, reply) }
            }
        }
    }

    /// Under the number that it will have.
    private func compile(_ put: Put, after head: GraphHead) throws(ChangeError) -> GraphRevision {
        if let expecting = put.expecting, expecting != head.current { throw .conflict(current: head.current) }
        let identity = GraphIdentity(
            id: put.new.id, revision: head.revision + 1, files: put.new.files, folder: put.new.folder,
            interpreter: put.content.graph.document.interpreter(in: put.new.folder))
        do {
            return try compiler.compile(
                put.content.graph, identity: identity, createdAtMicroseconds: put.new.createdAtMicroseconds)
        } catch {
            throw .invalid(error)
        }
    }

    /// What the store has taken.
    private func adopt(_ revision: GraphRevision, after head: GraphHead) -> Change {
        let id = revision.identity.id
        apply(GraphHead(revision: revision.identity.revision, isDeletion: false), id: id, revision)
        return Change(revision: revision, isNew: head.current == 0)
    }
}
