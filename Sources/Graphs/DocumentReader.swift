import JSON
import OrderedCollections

let documentKeys: [JSONKey] = [
    "$schema", "id", "name", "description", "initial_state", "input_schema", "reducers", "limits", "on_restart",
    "python", "nodes", "edges", "drawing",
]
let limitKeys: [JSONKey] = ["max_parallel_nodes", "timeout_ms", "tokens"]

/// Reads a document out of its JSON and notes everything that is wrong with it.
///
/// One walk in document order. Before it, the ids of all nodes are gathered, so that an edge can be judged where it
/// stands; after it, the topological order shows the cycles.
final class DocumentReader<Vocabulary: NodeVocabulary, Source: GraphFileSource> {
    let faults: FaultCollector
    /// Documents around this one.
    let depth: Int
    let vocabulary: Vocabulary
    var files: NamedFiles<Source>
    private var compileTime = CompileTime()
    /// The Python of the nodes that were read without a fault.
    var code: [NodeCode] = []
    /// Id → place in the document of the first node that has it.
    private(set) var placeOfID: [String: Int] = [:]
    /// Every place's id, "" where there is none.
    private(set) var idOfPlace: [String] = []
    /// Id → the file in its config, of those that have one.
    private(set) var fileOfID: [String: String] = [:]
    /// Edge → its first place in the document.
    var edgePlaces: [EdgeKey: Int] = [:]
    /// The edges that join nodes of the document, and their places in it.
    var joined: [TopologicalOrder.Edge] = []
    var joinedPlaces: [Int] = []

    private var id: String?
    private var name: String?
    private var description = ""
    private var initialState = JSONObject()
    private var inputSchema: JSONSchema?
    private var reducers: OrderedDictionary<JSONKey, Reducer> = [:]
    private var limits = GraphLimits()
    private var onRestart = OnRestart.resume
    private var interpreter: String?
    /// One fault says so; without their ids nothing can be said of the edges.
    private var hasTooManyNodes = false
    private var nodes: [GraphNode] = []
    private var edges: [GraphEdge] = []

    init(_ vocabulary: Vocabulary, _ source: Source) {
        self.vocabulary = vocabulary
        files = NamedFiles(source)
        faults = FaultCollector()
        depth = 0
    }

    /// For the nodes in the config of a node: files, faults and time are the document's.
    init(nestedIn outer: DocumentReader) {
        vocabulary = outer.vocabulary
        files = outer.files
        faults = outer.faults
        compileTime = outer.compileTime
        depth = outer.depth + 1
    }

    /// Takes back what a reader of nested nodes has used up, and the code that it found.
    func take(from inner: DocumentReader) {
        files = inner.files
        compileTime = inner.compileTime
        code += inner.code
    }

    /// The nodes and edges of a config; nil where something is wrong with them.
    func readNested(_ config: JSONText) -> NestedNodes? {
        let countBefore = faults.count
        gatherIDs(config)
        for (index, (key, value)) in (config.object ?? [:]).enumerated() where ["nodes", "edges"].contains(key) {
            faults.enter(key.string, index)
            member(key.string, value)
            faults.leave()
        }
        let order = TopologicalOrder(nodeCount: idOfPlace.count, edges: joined)
        noteCycles(order, config)
        guard faults.count == countBefore else { return nil }
        return NestedNodes(nodes: nodes, edges: edges, places: order.places, source: config)
    }

    /// The document and its topological order (rank → place). Throws what was noted, if anything was.
    func read(_ source: JSONText) throws(GraphFaults) -> (document: GraphDocument, places: [Int]) {
        gatherIDs(source)
        faults.members(of: source, known: documentKeys, required: ["id", "nodes"]) { member($0, $1) }
        let order = TopologicalOrder(nodeCount: idOfPlace.count, edges: joined)
        noteCycles(order, source)
        noteUnfitState(source)
        if faults.count > 0 {
            let found = faults.faults
            let code = DocumentCode(nodes: code, files: files.files, interpreter: interpreter)
            throw GraphFaults(found.faults, count: found.count, code: code)
        }
        guard let id else { preconditionFailure("a document without an id has a fault") }
        let document = GraphDocument(
            id: id, name: name ?? id, description: description, initialState: initialState,
            inputSchema: inputSchema, reducers: reducers,
            limits: limits, onRestart: onRestart, interpreter: interpreter, nodes: nodes, edges: edges, source: source)
        return (document, order.places)
    }

    private func gatherIDs(_ source: JSONText) {
        guard let nodes = source["nodes"]?.array else { return }
        guard nodes.count <= vocabulary.nodeCountMax else {
            hasTooManyNodes = true
            return
        }
        for (place, node) in nodes.enumerated() {
            let id = node["id"]?.string ?? ""
            idOfPlace.append(id)
            if placeOfID[id] == nil { placeOfID[id] = place }
            if let file = node["config"]?["file"]?.string, fileOfID[id] == nil { fileOfID[id] = file }
        }
    }

    private func member(_ key: String, _ value: JSONText) {
        switch key {
        // For editors, which look up there what a document may say.
        case "$schema": _ = faults.string(value)
        case "id": id = graphID(value)
        case "name": name = faults.string(value)
        case "description": description = faults.string(value) ?? ""
        case "initial_state": initialState = faults.object(value) ?? JSONObject()
        case "input_schema": inputSchema = inputSchema(value)
        case "reducers": reducers = reducers(value)
        case "limits": limits = limits(value)
        case "on_restart": onRestart = faults.choice(value, of: OnRestart.self) ?? .resume
        // For whoever shows the graph: what runs is in the nodes.
        case "drawing": _ = faults.object(value)
        case "python": interpreter = interpreter(value)
        case "nodes":
            faults.elements(of: value, counts: 1...vocabulary.nodeCountMax) { place, value in
                if let node = node(value, place) { nodes.append(node) }
            }
        case "edges" where hasTooManyNodes: break
        case "edges":
            faults.elements(of: value, counts: 0...GraphBounds.edgeCountMax(forNodes: vocabulary.nodeCountMax)) {
                place, value in
                if let edge = edge(value, place) { edges.append(edge) }
            }
        default: preconditionFailure("\(key) is no member of a document")
        }
    }

    /// What is wrong with one part of the document, by the vocabulary's compiler; once the time is used up, nothing more is
    /// compiled, and the document has a fault that says so.
    func compile<Fault>(_ part: () -> [Fault]) -> [Fault] {
        guard !compileTime.isUsedUp else { return [] }
        let found = compileTime.measure(part)
        if compileTime.isUsedUp {
            faults.add(
                "the document takes more than \(GraphBounds.compileMilliseconds) ms of CPU time to compile, up to here")
        }
        return found
    }

    private func graphID(_ value: JSONText) -> String? {
        guard let id = faults.string(value) else { return nil }
        guard GraphDocument.isID(id) else {
            faults.add(
                "must be 1 to \(GraphBounds.idLengthMax) characters of a-z, 0-9, `.`, `_` and `-`, "
                    + "the first a letter or digit; \(Suggestion.quoted(id)) is not")
            return nil
        }
        return id
    }

    private func inputSchema(_ value: JSONText) -> JSONSchema? {
        guard faults.object(value) != nil else { return nil }
        do {
            return try JSONSchema(value)
        } catch {
            faults.add(GraphFault(pointer: error.pointer, message: error.message), in: value)
            return nil
        }
    }

    private func reducers(_ value: JSONText) -> OrderedDictionary<JSONKey, Reducer> {
        var reducers: OrderedDictionary<JSONKey, Reducer> = [:]
        guard let object = faults.object(value) else { return reducers }
        for (index, member) in object.enumerated() {
            faults.enter(member.key.string, index)
            reducers[member.key] = faults.choice(member.value, of: Reducer.self)
            faults.leave()
        }
        return reducers
    }

    private func limits(_ value: JSONText) -> GraphLimits {
        let standard = GraphLimits()
        var maxParallelNodes = standard.maxParallelNodes
        var timeout = standard.timeoutMilliseconds
        var tokens: Int?
        faults.members(of: value, known: limitKeys) { key, value in
            switch key {
            case "timeout_ms": timeout = faults.wholeNumber(value, in: GraphBounds.timeoutMilliseconds) ?? timeout
            case "tokens": tokens = faults.wholeNumber(value, in: GraphBounds.tokens)
            default: maxParallelNodes = faults.wholeNumber(value, in: GraphBounds.maxParallelNodes) ?? maxParallelNodes
            }
        }
        return GraphLimits(maxParallelNodes: maxParallelNodes, timeoutMilliseconds: timeout, tokensMax: tokens)
    }

    /// A path beside the document, or an absolute one: whoever may store a document runs code anyway, but a document that is
    /// handed on must not mean what lies around the folder that it happens to stand in.
    private func interpreter(_ value: JSONText) -> String? {
        var path: String?
        faults.members(of: value, known: ["interpreter"]) { _, value in
            guard let text = faults.string(value) else { return }
            let isOutside =
                !text.hasPrefix("/")
                && text.utf8.split(separator: UInt8(ascii: "/")).contains { $0.elementsEqual("..".utf8) }
            if text.isEmpty || text.utf8.contains(0) || text.utf8.count > GraphBounds.interpreterBytesMax || isOutside {
                faults.add("must be the path of a Python interpreter, absolute or below the document's folder")
            } else {
                path = text
            }
        }
        return path
    }

    /// A cycle is a fault of its edge that stands last in the document: the one that closed it.
    /// The first value of a key goes through its reducer as later ones do.
    private func noteUnfitState(_ source: JSONText) {
        guard !reducers.isEmpty, let member = source.object?.keys.firstIndex(of: "initial_state") else { return }
        faults.enter("initial_state", member)
        for (index, (key, value)) in initialState.enumerated() {
            guard let refusal = reducers[key]?.refusal(ofInitial: value) else { continue }
            faults.enter(key.string, index)
            faults.add(refusal)
            faults.leave()
        }
        faults.leave()
    }

    private func noteCycles(_ order: TopologicalOrder, _ source: JSONText) {
        guard !order.cycles.isEmpty, let member = source.object?.keys.firstIndex(of: "edges") else { return }
        faults.enter("edges", member)
        for cycle in order.cycles {
            faults.enter(joinedPlaces[cycle.edge])
            faults.add("cycle: \(Wording.path(cycle.nodes.map { idOfPlace[$0] }))")
            faults.leave()
        }
        faults.leave()
    }
}
