import Executions
import Graphs
import JSON

/// A file of items, one JSON value a line, of which a part is in memory. Empty lines are none.
struct ItemFile: Sendable {
    /// What is read at once, and so the bound of a line.
    private static let blockBytes = 1 << 20
    /// Items that are at hand at the most: what they are parsed into takes more than their text.
    private static let itemsMax = 1024

    struct Part: Sendable {
        let items: [JSONText]
        let nextOffset: Int
    }

    private let name: String
    private let folder: String
    private let lane: BlockingLane
    private var offset: Int
    private var items: ArraySlice<JSONText> = []
    private(set) var index: Int

    /// Finds an item in a file, and how many there are.
    static func open(
        _ name: String, in folder: String?, on lane: BlockingLane?, from index: Int
    ) async -> Result<MapItems, NodeFailure> {
        guard let folder, let lane else { return .failure(NodeFailure("there is no folder to find \(name) in")) }
        return await lane.result { () throws(NodeFailure) in
            var (offset, total) = (0, 0)
            var start: Int?
            while let block = try Block(name, in: folder, at: offset) {
                block.forEachLine { line in
                    if total == index { start = offset + line.lowerBound }
                    total += 1
                    return total <= MapItems.countMax
                }
                guard total <= MapItems.countMax else { throw MapItems.tooMany }
                offset += block.end
            }
            let file = ItemFile(
                name: name, folder: folder, lane: lane, offset: start ?? offset, index: min(index, total))
            return MapItems(file: file, total: total)
        }
    }

    mutating func next() -> JSONText? {
        guard let item = items.popFirst() else { return nil }
        index += 1
        return item
    }

    /// The items behind those that are at hand.
    func readOn() async -> Result<Part, NodeFailure> {
        let (name, folder, offset) = (name, folder, offset)
        // Items that are at hand come first.
        let first = index + items.count
        return await lane.result { () throws(NodeFailure) in
            guard let block = try Block(name, in: folder, at: offset) else {
                throw NodeFailure("\(name) has become shorter while it was read: item \(first) is missing")
            }
            var items: [JSONText] = []
            var end = block.end
            var fault: NodeFailure?
            block.forEachLine { range in
                guard items.count < Self.itemsMax else {
                    end = range.lowerBound
                    return false
                }
                do throws(JSONError) {
                    items.append(try JSONText(parsing: Array(block.bytes[range])))
                    return true
                } catch {
                    fault = NodeFailure("item \(first + items.count) of \(name) is no JSON: \(error.message)")
                    return false
                }
            }
            if let fault { throw fault }
            return Part(items: items, nextOffset: offset + end)
        }
    }

    mutating func take(_ part: Part) {
        items += part.items
        offset = part.nextOffset
    }

    private init(name: String, folder: String, lane: BlockingLane, offset: Int, index: Int) {
        self.name = name
        self.folder = folder
        self.lane = lane
        self.offset = offset
        self.index = index
    }

    /// Whole lines of the file.
    private struct Block {
        let bytes: [UInt8]
        /// Behind the last whole line.
        let end: Int

        /// Nil at the end of the file.
        init?(_ name: String, in folder: String, at offset: Int) throws(NodeFailure) {
            do {
                bytes = try FolderFiles(path: folder).readPart(name, at: offset, bytesMax: ItemFile.blockBytes)
            } catch {
                throw NodeFailure(error.message)
            }
            guard !bytes.isEmpty else { return nil }
            // A block that is not full ends with the file, whose last line may have no end.
            if bytes.count < ItemFile.blockBytes {
                end = bytes.count
            } else if let newline = bytes.lastIndex(of: UInt8(ascii: "\n")) {
                end = newline + 1
            } else {
                throw NodeFailure("a line of \(name) is longer than \(ItemFile.blockBytes) bytes")
            }
        }

        /// Calls `body` with each line that is not blank, until it returns false.
        func forEachLine(_ body: (Range<Int>) -> Bool) {
            var start = 0
            while start < end {
                let stop = bytes[start..<end].firstIndex(of: UInt8(ascii: "\n")) ?? end
                let isBlank = bytes[start..<stop].allSatisfy { $0 == 0x20 || $0 == 0x09 || $0 == 0x0D }
                if !isBlank, !body(start..<stop) { return }
                start = stop + 1
            }
        }
    }
}

extension BlockingLane {
    /// Does what blocks, and gives what came of it to a task that holds no thread meanwhile.
    func result<Success: Sendable>(
        _ work: @escaping @Sendable () throws(NodeFailure) -> Success
    ) async -> Result<Success, NodeFailure> {
        await withCheckedContinuation { continuation in
            let isAccepted = offer { continuation.resume(returning: Result { () throws(NodeFailure) in try work() }) }
            if !isAccepted { continuation.resume(returning: .failure(NodeFailure("too much waits to be read"))) }
        }
    }
}
