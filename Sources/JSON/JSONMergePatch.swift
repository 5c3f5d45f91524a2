/// JSON Merge Patch (RFC 7396).
package enum JSONMergePatch {
    /// Lays `patch` over `target`, as section 2 of the RFC has it: members of objects one by one, null removes, all
    /// else replaces. Members keep their places; new ones follow.
    ///
    /// It recurses as deep as the patch's objects are nested, which parsing has bounded.
    package static func apply(_ patch: JSONText, to target: JSONText) -> JSONText {
        guard let changes = patch.object else { return patch }
        var result = target.object ?? [:]
        for (key, change) in changes {
            if change.isNull {
                result.removeValue(forKey: key)
            } else {
                result[key] = apply(change, to: result[key] ?? .null)
            }
        }
        return result.text
    }
}
