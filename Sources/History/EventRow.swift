// A row of events holds whole records behind one another, and beside them the length of each as a varint (LEB128), so that
// a read can start and stop at any record without looking into it. What one log has gathered is one row, unless it is large.

import Executions

/// A run of records that makes one row: indices into the ends of a slice.
struct EventRow {
    /// Records beyond this go into the next row: a cold reader who comes for little does not load much.
    static let bytesMax = 128 << 10

    let records: Range<Int>
    let bytes: Range<Int>

    /// The first row that can be made of a slice's records from `index` on.
    init(of slice: EventLog.Slice, from index: Int) {
        let start = index == 0 ? 0 : slice.ends[index - 1]
        var end = index + 1
        if slice.records.count - start <= Self.bytesMax {
            end = slice.ends.count
        } else {
            while end < slice.ends.count, slice.ends[end] - start <= Self.bytesMax { end += 1 }
        }
        records = index..<end
        bytes = start..<slice.ends[end - 1]
    }

    /// The lengths of its records, into a buffer that is used again.
    func encodeLengths(of slice: EventLog.Slice, into buffer: inout [UInt8]) {
        buffer.removeAll(keepingCapacity: true)
        var start = bytes.lowerBound
        for index in records {
            var length = slice.ends[index] - start
            start = slice.ends[index]
            while length >= 0x80 {
                buffer.append(UInt8(truncatingIfNeeded: length) | 0x80)
                length >>= 7
            }
            buffer.append(UInt8(length))
        }
    }
}

extension EventLog.Slice {
    /// Adds records of a stored row whose first record is `firstSeq`, beginning with the one that comes next in the slice.
    /// - Returns: whether more may be added; nil when the row does not fit what is known of it.
    mutating func append(
        rowFrom firstSeq: Int, lengths: UnsafeRawBufferPointer, records stored: UnsafeRawBufferPointer, bytesMax: Int
    ) -> Bool? {
        var seq = firstSeq
        var start = 0
        var copyStart: Int?
        var cursor = lengths.makeIterator()
        let wanted = lastSeq + 1
        guard firstSeq <= wanted else { return nil }
        var isFull = false
        while !isFull, let length = cursor.nextVarint() {
            guard length <= stored.count - start else { return nil }
            if seq >= wanted {
                if copyStart == nil { copyStart = start }
                let end = records.count + start + length - copyStart!
                if end > bytesMax, !ends.isEmpty { isFull = true } else { ends.append(end) }
            }
            if !isFull {
                start += length
                seq += 1
            }
        }
        guard isFull || start == stored.count else { return nil }
        if let copyStart { records.append(contentsOf: stored[copyStart..<start]) }
        return !isFull
    }
}

extension IteratorProtocol where Element == UInt8 {
    /// nil at the end, and for a number that has none.
    fileprivate mutating func nextVarint() -> Int? {
        var value = 0
        var shift = 0
        while let byte = next(), shift < 63 {
            value |= Int(byte & 0x7F) << shift
            if byte < 0x80 { return value }
            shift += 7
        }
        return nil
    }
}
