import Testing

@testable import Executions

@Suite struct FairQueueTests {
    private func id(_ number: Int) -> ExecutionID { ExecutionID(rowID: Int64(number), low: 0x8000_0000_0000_0000) }

    private func queue(_ graphs: [String]) -> FairQueue<ExecutionID, Int> {
        var queue = FairQueue<ExecutionID, Int>()
        for (number, graph) in graphs.enumerated() { queue.append(number, id: id(number), graphID: graph) }
        return queue
    }

    private func drained(_ queue: FairQueue<ExecutionID, Int>) -> [Int] {
        var (queue, order) = (queue, [Int]())
        while let next = queue.popFirst() { order.append(next) }
        return order
    }

    @Test func `one graph's executions come in their order`() {
        #expect(drained(queue(["a", "a", "a"])) == [0, 1, 2])
    }

    @Test func `graphs take turns, however many of one wait`() {
        #expect(drained(queue(["a", "a", "a", "a", "b", "c", "b"])) == [0, 4, 5, 1, 6, 2, 3])
    }

    @Test func `a graph that has had its turn waits for the others also when it comes again`() {
        var queue = queue(["a", "b", "b"])
        #expect(queue.popFirst() == 0)
        queue.append(3, id: id(3), graphID: "a")
        #expect(drained(queue) == [1, 3, 2])
    }

    @Test func `one is taken out of the middle, and its graph goes with the last`() {
        var queue = queue(["a", "a", "b", "a"])
        #expect(queue.remove(id(1), graphID: "a") == 1)
        #expect(queue.remove(id(1), graphID: "a") == nil)
        #expect(queue.remove(id(2), graphID: "b") == 2)
        #expect(queue.count == 2)
        #expect(drained(queue) == [0, 3])
    }

    @Test(arguments: 0..<20 as Range<UInt64>) func `positions are the order in which they leave`(seed: UInt64) {
        var random = SeededGenerator(seed: seed)
        var queue = queue((0..<60).map { _ in ["a", "b", "c", "d"].randomElement(using: &random)! })
        for _ in 0..<10 { _ = queue.popFirst() }
        let order = drained(queue).map(id)
        let positions = queue.positions(of: Set(order))
        #expect(order.map { positions[$0] } == (1...order.count).map { $0 }, "seed \(seed)")
        #expect(queue.positions(of: [id(999), order[7]]) == [order[7]: 8])
    }
}
