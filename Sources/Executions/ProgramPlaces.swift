import DequeModule
import Synchronization

/// Room for programs that compute inside the daemon: how many take turns at once, and the memory of all of them together.
///
/// A program that ends within its first slice needs none of it. One that goes on holds a place, and where that does not
/// suffice, larger ones besides: always the smaller first, so that nobody waits in a circle, and who holds the largest goes on
/// to its end. So some always end, and what all of them use is bounded by the places that there are.
///
/// A graph takes a place only while more of its size are free than it holds: however many programs a graph has, there is room
/// for another one's (dynamic thresholds, Choudhury and Hahne 1998). Those who wait are served by graph in turn.
package final class ProgramPlaces: Sendable {
    package enum Size: Int, CaseIterable, Sendable {
        case small, medium, large

        package var next: Size? { Size(rawValue: rawValue + 1) }
    }

    package struct Bounds: Sendable {
        /// By size: how many there are, and what whoever holds one may use. Nothing bounds the largest but a program's own limit.
        let counts: [Int]
        let bytes: [Int]

        init(counts: [Int], bytes: [Int]) {
            self.counts = counts
            self.bytes = bytes
        }

        /// - Parameter accountBytes: of the account of all executions.
        /// - Parameter programBytesMax: what a single program may use.
        package init(accountBytes: Int, programBytesMax: Int = 64 << 20, processors: Int) {
            let share = accountBytes / Self.accountShare
            let largeBytes = programBytesMax + Self.buffersBytes
            bytes = [Self.smallBytes, Self.mediumBytes, largeBytes]
            counts = [
                min(max(share / 4 / Self.smallBytes, Self.smallMin), Self.smallPerProcessor * processors),
                max(share / 4 / Self.mediumBytes, 1),
                max(share / 2 / largeBytes, 1),
            ]
        }

        /// Of the account, what programs may take; at least one of each size.
        private static let accountShare = 4
        private static let smallBytes = 1 << 20
        private static let mediumBytes = 16 << 20
        /// A state, a result and an output of the largest size, which lie outside of a program's own memory.
        private static let buffersBytes = 48 << 20
        private static let smallMin = 8
        /// All of them take turns of 2 ms: more would only make each other wait.
        private static let smallPerProcessor = 16

        /// What all programs may use together.
        package var bytesMax: Int { zip(counts, bytes).reduce(0) { $0 + $1.0 * $1.1 } }
    }

    private struct Waiter {
        weak let place: ProgramPlace?
        let size: Size
    }

    private struct Guarded {
        /// By size: who holds how many.
        var held: [[String: Int]]
        var free: [Int]
        var waiting: [FairQueue<ObjectIdentifier, Waiter>]

        func mayTake(_ size: Size, _ graphID: String) -> Bool {
            held[size.rawValue][graphID] ?? 0 < free[size.rawValue]
        }

        mutating func take(_ size: Size, _ graphID: String) {
            held[size.rawValue][graphID, default: 0] += 1
            free[size.rawValue] -= 1
        }

        mutating func giveBack(_ size: Size, _ graphID: String) {
            let left = (held[size.rawValue][graphID] ?? 0) - 1
            precondition(left >= 0, "who gives a place back has held it")
            held[size.rawValue][graphID] = left == 0 ? nil : left
            free[size.rawValue] += 1
        }
    }

    private let bounds: Bounds
    private let memory: ExecutionMemory
    private let guarded: Mutex<Guarded>

    package init(_ bounds: Bounds, memory: ExecutionMemory = ExecutionMemory()) {
        self.bounds = bounds
        self.memory = memory
        let sizes = Size.allCases.count
        guarded = Mutex(
            Guarded(
                held: Array(repeating: [:], count: sizes), free: bounds.counts,
                waiting: (0..<sizes).map { _ in FairQueue() }))
    }

    /// What whoever holds a place of this size may use; nothing but its own limit bounds whoever holds the largest.
    package func bytes(of size: Size) -> Int { size.next == nil ? .max : bounds.bytes[size.rawValue] }

    fileprivate func take(_ size: Size, _ graphID: String) -> Bool {
        let isTaken = guarded.withLock { guarded in
            guard guarded.mayTake(size, graphID) else { return false }
            guarded.take(size, graphID)
            return true
        }
        if isTaken { memory.change(.programs, by: bounds.bytes[size.rawValue]) }
        return isTaken
    }

    /// The place is told once it has been given what it waits for.
    /// - Returns: false where it need not wait.
    fileprivate func wait(for size: Size, _ place: ProgramPlace) -> Bool {
        guarded.withLock { guarded in
            guard !guarded.mayTake(size, place.graphID) else { return false }
            guarded.waiting[size.rawValue].append(
                Waiter(place: place, size: size), id: ObjectIdentifier(place), graphID: place.graphID)
            return true
        }
    }

    fileprivate func stopWaiting(for size: Size, _ id: ObjectIdentifier, _ graphID: String) {
        guarded.withLock { _ = $0.waiting[size.rawValue].remove(id, graphID: graphID) }
    }

    fileprivate func giveBack(_ size: Size, _ graphID: String) {
        memory.change(.programs, by: -bounds.bytes[size.rawValue])
        let next = guarded.withLock { guarded -> [ProgramPlace] in
            guarded.giveBack(size, graphID)
            var next: [ProgramPlace] = []
            while true {
                let (held, free) = (guarded.held[size.rawValue], guarded.free[size.rawValue])
                guard let waiter = guarded.waiting[size.rawValue].popFirst(where: { held[$0] ?? 0 < free }) else {
                    break
                }
                guard let place = waiter.place else { continue }
                guarded.take(size, place.graphID)
                next.append(place)
            }
            return next
        }
        for place in next {
            memory.change(.programs, by: bounds.bytes[size.rawValue])
            place.receive(size)
        }
    }
}

/// Where the programs of one graph find room.
package struct ProgramRoom: Sendable {
    package let places: ProgramPlaces
    package let graphID: String

    package init(_ places: ProgramPlaces, graphID: String) {
        self.places = places
        self.graphID = graphID
    }

    /// Holds nothing yet.
    package func place() -> ProgramPlace { ProgramPlace(places, graphID: graphID) }
}

/// What one program holds. Given back with the last reference to it. Its program asks, one thread at a time.
package final class ProgramPlace: Sendable {
    private struct State {
        var held: ProgramPlaces.Size?
        /// Called once it holds what it waits for, or waits no longer.
        var action: (@Sendable () -> Void)?
        var isWaiting = false
        var isStopped = false
    }

    private let places: ProgramPlaces
    fileprivate let graphID: String
    private let state = Mutex(State())

    package init(_ places: ProgramPlaces, graphID: String) {
        self.places = places
        self.graphID = graphID
    }

    deinit {
        let held = state.withLock { $0.held }
        stopWaiting()
        for size in ProgramPlaces.Size.allCases.reversed() where held.map({ size.rawValue <= $0.rawValue }) == true {
            places.giveBack(size, graphID)
        }
    }

    package var size: ProgramPlaces.Size? { state.withLock { $0.held } }

    private var next: ProgramPlaces.Size? {
        state.withLock { state in state.held.map(\.next) ?? .small }
    }

    /// Whether it is as large as that, or could be made so at once.
    package func grow(to size: ProgramPlaces.Size) -> Bool {
        while let next, next.rawValue <= size.rawValue {
            guard places.take(next, graphID) else { return false }
            state.withLock { $0.held = next }
        }
        return true
    }

    /// Calls `action` once it has been made one size larger, or could be.
    package func whenLarger(_ action: @escaping @Sendable () -> Void) {
        guard let next else { return action() }
        let (isWaiting, isStopped) = state.withLock { state in
            defer { state.isWaiting = true }
            state.action = action
            return (state.isWaiting, state.isStopped)
        }
        if isStopped || !isWaiting && !places.wait(for: next, self) { tell() }
    }

    /// For a program that is given up: it is told as if it had got what it waits for.
    package func stopWaiting() {
        state.withLock { $0.isStopped = true }
        if let next { places.stopWaiting(for: next, ObjectIdentifier(self), graphID) }
        tell()
    }

    fileprivate func receive(_ size: ProgramPlaces.Size) {
        state.withLock { $0.held = size }
        tell()
    }

    private func tell() {
        state.withLock { state in
            defer { (state.action, state.isWaiting) = (nil, false) }
            return state.action
        }?()
    }
}
