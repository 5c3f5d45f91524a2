import Synchronization
import Testing

@testable import Executions

/// Places of programs: bounded, in turn, and never all of one graph.
@Suite struct ProgramPlacesTests {
    private let memory = ExecutionMemory(bytesMax: 1 << 30)

    /// 8 small places, 4 medium and 2 large ones.
    private func places() -> ProgramPlaces {
        ProgramPlaces(ProgramPlaces.Bounds(counts: [8, 4, 2], bytes: [1, 16, 64]), memory: memory)
    }

    @Test func `what all programs may use is a share of the account, and at least one place of each size`() {
        let large = ProgramPlaces.Bounds(accountBytes: 8 << 30, programBytesMax: 64 << 20, processors: 4)
        #expect(large.bytesMax <= (8 << 30) / 4)
        #expect(large.counts[0] == 64)
        let small = ProgramPlaces.Bounds(accountBytes: 1 << 20, programBytesMax: 64 << 20, processors: 4)
        #expect(small.counts == [8, 1, 1])
    }

    @Test func `a graph leaves room for others, however many programs it has`() {
        let places = places()
        let many = (0..<8).map { _ in ProgramPlace(places, graphID: "greedy") }
        let held = many.filter { $0.grow(to: .small) }
        #expect(held.count == 4)
        let other = ProgramPlace(places, graphID: "other")
        #expect(other.grow(to: .small))
        let third = (0..<8).map { _ in ProgramPlace(places, graphID: "third") }
        #expect(third.count { $0.grow(to: .small) } == 2)
        #expect(ProgramPlace(places, graphID: "fourth").grow(to: .small), "there is one for whoever comes")
        withExtendedLifetime(many) {}
    }

    @Test func `larger places come one after the other, and all go back with the last reference`() {
        let places = places()
        do {
            let place = ProgramPlace(places, graphID: "g")
            #expect(place.size == nil)
            #expect(place.grow(to: .large))
            #expect(place.size == .large)
            #expect(memory.bytes(of: .programs) == 81)
            let second = ProgramPlace(places, graphID: "g")
            #expect(!second.grow(to: .large))
            #expect(second.size == .medium, "it waits with what it has")
            #expect(ProgramPlace(places, graphID: "other").grow(to: .large))
        }
        #expect(memory.bytes(of: .programs) == 0)
        #expect(ProgramPlace(places, graphID: "g").grow(to: .large))
    }

    @Test func `those who wait are served by graph in turn`() {
        let places = places()
        let order = Mutex<[String]>([])
        var holders = ["a", "a", "a", "a", "b", "b", "c", "d"].map { ProgramPlace(places, graphID: $0) }
        for holder in holders { #expect(holder.grow(to: .small)) }
        let waiting = ["a", "a", "b", "e", "e"].map { ProgramPlace(places, graphID: $0) }
        for (index, place) in waiting.enumerated() {
            place.whenLarger { order.withLock { $0.append("\(["a1", "a2", "b1", "e1", "e2"][index])") } }
        }
        #expect(order.withLock { $0 }.isEmpty)
        while !holders.isEmpty { holders.removeFirst() }
        #expect(order.withLock { $0 }.sorted() == ["a1", "a2", "b1", "e1", "e2"])
        #expect(order.withLock { $0 }.first == "e1", "who holds none goes first")
        #expect(waiting.allSatisfy { $0.size == .small })
    }

    @Test func `whoever stops waiting is told at once, and keeps nothing from others`() {
        let places = places()
        var holders = (0..<8).map { ProgramPlace(places, graphID: "\($0)") }
        for holder in holders { #expect(holder.grow(to: .small)) }
        let told = Mutex(0)
        let stopped = ProgramPlace(places, graphID: "x")
        stopped.whenLarger { told.withLock { $0 += 1 } }
        stopped.stopWaiting()
        #expect(told.withLock { $0 } == 1)
        stopped.whenLarger { told.withLock { $0 += 1 } }
        #expect(told.withLock { $0 } == 2, "it does not wait again")
        let next = ProgramPlace(places, graphID: "y")
        next.whenLarger { told.withLock { $0 += 1 } }
        holders.removeLast()
        #expect(told.withLock { $0 } == 3)
        #expect(next.size == .small && stopped.size == nil)
    }

    @Test func `whoever is let go of while it waits is passed over`() {
        let places = places()
        var holders = (0..<8).map { ProgramPlace(places, graphID: "\($0)") }
        for holder in holders { #expect(holder.grow(to: .small)) }
        do { ProgramPlace(places, graphID: "x").whenLarger {} }
        let told = Mutex(false)
        let next = ProgramPlace(places, graphID: "y")
        next.whenLarger { told.withLock { $0 = true } }
        holders.removeLast()
        #expect(told.withLock { $0 })
    }
}
