// What workers want kept of the graphs that they host is theirs: nobody here reads it, and no secret in it is known. So it lies
// in the history encrypted, each value by itself, as a string; no such value is one before.

import JSON

/// Encrypts such values. Nothing of an execution depends on whether there is one.
package protocol CheckpointSeal: Sendable {
    func seal(_ value: JSONText) -> JSONText
    func open(_ sealed: String) throws(NodeFailure) -> JSONText
}

extension CheckpointSeal {
    func seal(_ values: JSONObject) -> JSONObject { JSONObject(values.map { ($0.0, seal($0.1)) }) }

    func seal(_ kept: HostedKept) -> HostedKept {
        guard var content = kept.content?.object else { return kept }
        for key: JSONKey in ["head", "edits"] { content[key] = content[key].map(seal) }
        if let channels = content["channels"]?.object { content["channels"] = JSONText(seal(channels)) }
        return HostedKept(space: kept.space, content: JSONText(content))
    }

    /// What is kept of what a worker says.
    func seal(_ news: HostedNews) -> HostedNews {
        switch news {
        case .step(let around, let index, let starts, let kept):
            .step(around: around, index: index, starts, kept: kept.map(seal))
        case .ended(let task, let end, let writes): .ended(task: task, end, writes: writes.map(seal))
        case .kept(let kept, let values): .kept(seal(kept), values: seal(values))
        case .output, .asked, .fault: news
        }
    }
}

/// Opens what is kept of a graph.
package struct CheckpointOpening: Sendable {
    private let seal: (any CheckpointSeal)?

    package init(_ seal: (any CheckpointSeal)?) {
        self.seal = seal
    }

    /// A value, or one that lies there as it is.
    package func open(_ value: JSONText) throws(NodeFailure) -> JSONText {
        guard let sealed = value.string else { return value }
        guard let seal else { throw NodeFailure("what is kept of the graph is encrypted, and there is no key here") }
        return try seal.open(sealed)
    }

    /// `{"spaces": {…}, …}`, as a worker gets it.
    func openAll(_ kept: JSONText) throws(NodeFailure) -> JSONText {
        guard seal != nil, var all = kept.object, var spaces = all["spaces"]?.object else { return kept }
        for (name, space) in spaces {
            var content = space.object ?? [:]
            for key: JSONKey in ["head", "edits"] {
                if let value = content[key] { content[key] = try open(value) }
            }
            for key: JSONKey in ["channels", "writes"] {
                guard var values = content[key]?.object else { continue }
                for (name, value) in values { values[name] = try open(value) }
                content[key] = JSONText(values)
            }
            spaces[name] = JSONText(content)
        }
        all["spaces"] = JSONText(spaces)
        return JSONText(all)
    }
}

extension NodeCall {
    /// The same with what is kept of its graph as the worker gets it. It may take its time.
    package func opened() throws(NodeFailure) -> NodeCall {
        guard let kept else { return self }
        var call = self
        call.kept = try opening.openAll(kept)
        return call
    }
}
