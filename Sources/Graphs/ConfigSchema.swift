import JSON

/// The schema of a node kind's config: the part of JSON Schema 2020-12 that node kinds use.
///
/// Checked is what `JSONSchema` checks, but for references. Annotations: `title`, `description`, `default`, `examples`,
/// `deprecated`, `format`, `$schema`, `$comment`. Any other keyword is refused, so that a schema never checks less than it
/// says. A string with `"format": "graph-file"` names a file beside the graph document.
package struct ConfigSchema: Sendable {
    /// The schema as it was written.
    package let json: JSONText
    private let root: SchemaNode

    package init(_ json: JSONText) throws(ConfigSchemaError) {
        self.json = json
        root = try SchemaNode(json, at: .root, in: SchemaDocument(json, isLenient: false))
    }

    /// What in `config` does not fit, in document order, pointers relative to the config; at most as many as
    /// `GraphFaults` keeps.
    package func faults(in config: JSONObject) -> [GraphFault] {
        let faults = FaultCollector()
        check(config.text, faults)
        return faults.faults.faults
    }

    /// Notes what in `config` does not fit; the collector stands at the config.
    func check(_ config: JSONText, _ faults: FaultCollector) {
        let run = faults.schemaRun
        faults.schemaRun = SchemaRun()
        defer { faults.schemaRun = run }
        root.check(config, faults)
    }

    /// The files that a config names, each with its JSON Pointer relative to the config, in the schema's order. The
    /// config fits the schema.
    package func fileNames(in config: JSONObject) -> [(pointer: String, name: String)] {
        var names: [(pointer: String, name: String)] = []
        root.collectFileNames(in: config.text, at: .root) { names.append(($0.description, $1)) }
        return names
    }
}

/// Why a schema is refused: it says something that is not checked here, or contradicts the rules of JSON Schema.
package struct ConfigSchemaError: Error, Sendable, Equatable {
    /// Where in the schema: a JSON Pointer.
    package let pointer: String
    package let message: String
}
