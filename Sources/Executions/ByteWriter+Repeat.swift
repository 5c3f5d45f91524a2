import JSON

extension ByteWriter {
    /// Appends an object that was written before in this range once more, with the members of a second one behind its own.
    mutating func `repeat`(_ object: Range<Int>, grownBy other: Range<Int>) {
        guard object.count > 2 else { return self.repeat(other) }
        self.repeat(object.lowerBound..<object.upperBound - 1)
        append(byte: UInt8(ascii: ","))
        self.repeat(other.lowerBound + 1..<other.upperBound)
    }
}
