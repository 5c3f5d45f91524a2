import JSON

/// Takes every kind, config and condition: for documents of which only nodes and edges matter. It compiles nothing, and names no
/// files.
package struct AnyVocabulary: NodeVocabulary {
    package let nodeCountMax: Int
    private let anything: ConfigSchema?

    package init(nodeCountMax: Int = GraphBounds.nodeCountCeiling) {
        self.nodeCountMax = nodeCountMax
        anything = try? ConfigSchema(JSONText.emptyObject)
    }

    package func schema(ofKind name: String) -> ConfigSchema? { anything }
    package var kindNames: [String] { [] }
    package func faults(inConfig config: JSONObject, ofKind name: String, files: GraphFiles) -> [GraphFault] { [] }
    package func fault(inCondition source: String) -> String? { nil }
}
