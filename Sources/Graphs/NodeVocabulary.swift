import JSON

/// What must be known of node kinds and conditions to judge a graph document; answered by the engine.
package protocol NodeVocabulary: Sendable {
    /// The schema of a kind's config; nil if there is no such kind.
    func schema(ofKind name: String) -> ConfigSchema?
    /// The names of all kinds.
    var kindNames: [String] { get }
    /// What is wrong with a config that fits its kind's schema, and whose files could be read. Pointers are relative to
    /// the config; `files` holds the files that the document has named so far.
    func faults(inConfig config: JSONObject, ofKind name: String, files: GraphFiles) -> [GraphFault]
    /// The Python that a config brings along; the config has no faults.
    func code(inConfig config: JSONObject, ofKind name: String) -> [NodeCode]
    /// Why a condition does not compile; nil if it does.
    func fault(inCondition source: String) -> String?
    /// Why a path in a Python file can be no condition; nil if it can.
    func fault(inPythonCondition path: String) -> String?
    /// Nodes that a graph may have, up to `GraphBounds.nodeCountCeiling`.
    var nodeCountMax: Int { get }
}

extension NodeVocabulary {
    package func code(inConfig config: JSONObject, ofKind name: String) -> [NodeCode] { [] }
    package func fault(inPythonCondition path: String) -> String? { nil }
    package var nodeCountMax: Int { GraphBounds.nodeCountMax }
}
