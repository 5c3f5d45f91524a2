import JSON

/// What the history keeps of a rerun, beside the execution that it takes over from: how what is taken over is found again.
package struct RerunRecord: Sendable, Equatable {
    package let start: RerunStart
    /// The keys of the state that were edited, also those that have the same value as before.
    package let editedKeys: [JSONKey]

    package init(_ start: RerunStart, editedKeys: [JSONKey]) {
        self.start = start
        self.editedKeys = editedKeys
    }

    /// The start, and in a second line the keys, if there are any.
    package var text: String {
        guard !editedKeys.isEmpty else { return start.text }
        return "\(start.text)\n\(JSONText(array: editedKeys.map { JSONText($0.string) }))"
    }

    package init(text: String) {
        let parts = text.split(separator: "\n", maxSplits: 1).map(String.init)
        start = RerunStart(text: parts.first ?? "")
        let keys = parts.count < 2 ? nil : try? JSONText(parsing: Array(parts[1].utf8)).array
        editedKeys = (keys ?? []).compactMap(\.string).map { JSONKey($0) }
    }
}
