/// Where the keys and values of the JSON that was made of a YAML text stand in that text.
struct YAMLMarks {
    private struct Mark {
        /// The byte of the JSON at which a key or a value begins.
        let offset: Int32
        let line: Int32
        let column: Int32
    }

    /// In the order of their offsets. Documents, and what aliases add to them, are far smaller than 2 GiB.
    private var marks: [Mark] = []

    mutating func add(_ place: TextPlace, at offset: Int) {
        marks.append(Mark(offset: Int32(offset), line: Int32(place.line), column: Int32(place.column)))
    }

    /// A part of the JSON is repeated at `offset`: what lies within it is marked there as it is here. Its own beginning is
    /// that of the alias, which is marked already.
    mutating func copy(_ range: Range<Int>, to offset: Int) {
        copy(first(from: range.lowerBound + 1)..<first(from: range.upperBound), by: offset - range.lowerBound)
    }

    /// The beginning of a key or value is repeated at `offset`, and stands where it stands here.
    mutating func copyStart(of range: Range<Int>, to offset: Int) {
        let index = first(from: range.lowerBound)
        copy(index..<index + 1, by: offset - range.lowerBound)
    }

    /// Where the key or value that begins at `offset` stands in the text.
    func place(at offset: Int) -> TextPlace {
        let index = first(from: offset)
        guard index < marks.count, marks[index].offset == offset else { return .start }
        return TextPlace(line: Int(marks[index].line), column: Int(marks[index].column))
    }

    private mutating func copy(_ indices: Range<Int>, by distance: Int) {
        for index in indices {
            let mark = marks[index]
            marks.append(Mark(offset: mark.offset + Int32(distance), line: mark.line, column: mark.column))
        }
    }

    /// The index of the first mark at `offset` or behind it.
    private func first(from offset: Int) -> Int {
        var (low, high) = (0, marks.count)
        while low < high {
            let middle = (low + high) / 2
            if marks[middle].offset < offset { low = middle + 1 } else { high = middle }
        }
        return low
    }
}
