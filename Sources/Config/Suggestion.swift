/// "Did you mean": the known name that a misspelled one is closest to.
package enum Suggestion {
    /// The nearest candidate by edit distance, if it is near enough to be meant. A name without its section counts as near.
    package static func nearest(to name: String, among candidates: [String]) -> String? {
        let wanted = name.lowercased()
        let tails = candidates.filter { $0.lowercased().hasSuffix("." + wanted) }
        if tails.count == 1 { return tails[0] }
        let ranked = candidates.map { (distance: distance(wanted, $0.lowercased()), name: $0) }
        guard let best = ranked.min(by: { $0.distance < $1.distance }) else { return nil }
        return best.distance <= max(2, wanted.utf8.count / 4) ? best.name : nil
    }

    static func question(_ candidate: String?) -> String {
        candidate.map { "; did you mean \($0)?" } ?? ""
    }

    /// The edit distance of Levenshtein, with a row of the table at a time.
    static func distance(_ left: String, _ right: String) -> Int {
        let right = Array(right.utf8)
        var row = Array(0...right.count)
        for (index, byte) in left.utf8.enumerated() {
            var diagonal = row[0]
            row[0] = index + 1
            for column in right.indices {
                let substituted = diagonal + (right[column] == byte ? 0 : 1)
                diagonal = row[column + 1]
                row[column + 1] = min(substituted, row[column] + 1, diagonal + 1)
            }
        }
        return row[right.count]
    }
}
