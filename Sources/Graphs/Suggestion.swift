/// Words about names: how a name stands in a message, and which known name a mistyped one may have meant.
enum Suggestion {
    /// Among more names than this none is looked for: a graph with many nodes may also have many wrong edges.
    private static let candidatesMax = 200

    /// A name in backquotes, cut if it is long: a message stays one line whatever the document holds.
    static func quoted(_ name: String) -> String {
        "`\(clipped(name))`"
    }

    /// A text cut to the length of an id.
    static func clipped(_ text: String) -> String {
        let shown = text.unicodeScalars.prefix(GraphBounds.idLengthMax + 1)
        guard shown.count > GraphBounds.idLengthMax else { return text }
        return String(String.UnicodeScalarView(shown.dropLast())) + "…"
    }

    /// "; did you mean `command`?", or nothing if no known name is near.
    static func hint(for name: String, among known: [String]) -> String {
        guard let near = nearest(to: name, among: known) else { return "" }
        return "; did you mean \(quoted(near))?"
    }

    /// The known name with the fewest typing slips (a letter left out, added, changed, or two swapped) from `name`,
    /// at most one for each three letters; the first of equals. A name left unfinished after three letters counts as
    /// one slip.
    static func nearest(to name: String, among known: [String]) -> String? {
        let typed = Array(name.lowercased().unicodeScalars)
        guard typed.count <= GraphBounds.idLengthMax, known.count <= candidatesMax else { return nil }
        var best: (name: String, slips: Int)?
        for candidate in known {
            let known = Array(candidate.lowercased().unicodeScalars)
            let isUnfinished = typed.count >= 3 && known.starts(with: typed)
            let slips = isUnfinished ? 1 : distance(typed, known)
            guard slips <= max(1, typed.count / 3), slips < typed.count, slips < best?.slips ?? .max else { continue }
            best = (candidate, slips)
        }
        return best?.name
    }

    /// The optimal string alignment distance (Damerau–Levenshtein without repeated edits), row by row.
    private static func distance(_ a: [Unicode.Scalar], _ b: [Unicode.Scalar]) -> Int {
        var before = [Int](repeating: 0, count: b.count + 1)
        var previous = Array(0...b.count)
        for i in a.indices {
            var row = [i + 1] + [Int](repeating: 0, count: b.count)
            for j in b.indices {
                row[j + 1] = min(previous[j + 1] + 1, row[j] + 1, previous[j] + (a[i] == b[j] ? 0 : 1))
                if i > 0, j > 0, a[i] == b[j - 1], a[i - 1] == b[j] { row[j + 1] = min(row[j + 1], before[j - 1] + 1) }
            }
            (before, previous) = (previous, row)
        }
        return previous[b.count]
    }
}
