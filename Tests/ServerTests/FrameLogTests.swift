import Executions
import History
import JSON
import Testing

@testable import Server

/// What streams are sent, whatever happens to the frames in memory.
@Suite struct FrameLogTests {
    private static let chain = """
        {"id":"chain","initial_state":{"text":""},"nodes":[\
        {"id":"a","kind":"set","config":{"values":{"text":"{{ string.rep('a', 3000) }}"}}},\
        {"id":"b","kind":"set","config":{"values":{"more":"{{ string.rep('b', 3000) }}"}}},\
        {"id":"c","kind":"lua","config":{"code":"for i = 1, 40 do emit(string.rep('c', 2000)) end"}}],\
        "edges":[{"from":"a","to":"b"},{"from":"b","to":"c"}]}
        """

    /// Has more rendered, from memory or from the store.
    private func extend(_ frames: FrameLog, _ live: LiveServer) throws {
        switch frames.extend() {
        case .extended: return
        case .needsStore(let after):
            frames.provide(try live.store.records(of: frames.log.id, after: after, bytesMax: 64 << 10))
        case .caughtUp, .damaged, .unreadable: throw RecordError(message: "there is nothing more")
        }
    }

    /// The bytes of all frames from a seq on, taken as a stream takes them, in pieces of `step` bytes.
    private func bytes(_ frames: FrameLog, _ live: LiveServer, from seq: Int = 1, step: Int = .max) throws -> [UInt8] {
        var (stream, taken) = (EventStream(frames: frames, fromSeq: seq), [UInt8]())
        while true {
            switch stream.locate() {
            case .end: return taken
            case .at(let offset):
                let piece = frames.withFrames(at: offset) { Array($0.prefix(step)) }
                if piece.isEmpty { fallthrough }
                taken += piece
                stream.advance(by: piece.count)
            case .ahead:
                try extend(frames, live)
            case .dropped: throw RecordError(message: "the frames were dropped")
            }
        }
    }

    private func frames(
        _ live: LiveServer, _ log: EventLog, _ detail: StateDetail = .full, from seq: Int = 1, inside: Bool = false
    ) -> FrameLog {
        FrameLog(
            log: log, view: EventView(detail), firstSeq: seq, memory: live.server.hub.memory, isInsideFrame: inside)
    }

    @Test(arguments: StateDetail.allCases)
    func `whatever the pieces are, the bytes are the same`(detail: StateDetail) throws {
        let live = try LiveServer()
        let log = try live.run(try live.put(Self.chain))
        let whole = try bytes(frames(live, log, detail), live)
        for step in [1, 7, 1_000, 65_536] { #expect(try bytes(frames(live, log, detail), live, step: step) == whole) }
        live.server.hub.memory.checkInvariants()
        try live.stop()
    }

    @Test func `a stream that begins later gets the end of what one from the beginning gets`() throws {
        let live = try LiveServer()
        let log = try live.run(try live.put(Self.chain))
        let whole = try bytes(frames(live, log), live)
        for seq in 1...log.visibleSeq {
            let rest = try bytes(frames(live, log, from: seq), live, from: seq)
            #expect(whole.suffix(rest.count).elementsEqual(rest), "from \(seq)")
            #expect(String(decoding: rest, as: UTF8.self).contains("id: \(seq)\n"))
        }
        try live.stop()
    }

    @Test func `frames that were let go of are made again, and a stream goes on inside one`() throws {
        let live = try LiveServer()
        let log = try live.run(try live.put(Self.chain))
        let whole = try bytes(frames(live, log), live)
        var stream = EventStream(frames: frames(live, log), fromSeq: 1)
        var taken: [UInt8] = []
        var moves = 0
        while true {
            switch stream.locate() {
            case .end:
                #expect(taken == whole)
                #expect(moves > 20)
                return try live.stop()
            case .at(let offset) where offset < stream.frames.endOffset:
                let piece = stream.frames.withFrames(at: offset) { Array($0.prefix(1_237)) }
                taken += piece
                stream.advance(by: piece.count)
                if case .end = stream.locate() { continue }
                stream.settle()
                stream.frames.letGo()
                stream.move(
                    to: FrameLog(
                        log: log, view: EventView(.full), firstSeq: stream.nextSeq, memory: live.server.hub.memory,
                        isInsideFrame: !stream.isBetweenEvents, from: stream.bookmark))
                moves += 1
            case .at, .ahead:
                try extend(stream.frames, live)
            case .dropped:
                Issue.record("the frames were dropped")
                return
            }
        }
    }

    @Test func `what all frames hold is the sum of what each holds, until they are gone`() throws {
        let live = try LiveServer()
        let memory = live.server.hub.memory
        let log = try live.run(try live.put(Self.chain))
        var all: [FrameLog] = []
        for _ in 0..<5 {
            let one = frames(live, log)
            _ = try bytes(one, live)
            all.append(one)
            memory.checkInvariants()
        }
        #expect(memory.bytes == all.reduce(0) { $0 + $1.heldBytes })
        #expect(memory.bytes > 0)
        all[0].letGo()
        memory.checkInvariants()
        all = []
        #expect(memory.bytes == 0)
        memory.checkInvariants()
        try live.stop()
    }

    @Test func `when memory is full, those used longest ago are let go of, and nobody waits for ever`() throws {
        var settings = ServerSettings()
        settings.streamMemoryBytesMax = 64 << 10
        let live = try LiveServer(settings)
        let memory = live.server.hub.memory
        let log = try live.run(try live.put(Self.chain))
        let (old, young) = (frames(live, log), frames(live, log))
        _ = try bytes(old, live)
        try live.reactor.turnNow()
        _ = try bytes(young, live)
        #expect(memory.isFull)
        let probe = try FlushProbe()
        let slot = try probe.register(on: live.reactor)
        #expect(!memory.admits(slot))
        try live.reactor.turn(until: { probe.flushes == 1 })
        #expect(old.heldBytes == 0)
        #expect(memory.admits(slot))
        memory.checkInvariants()
        probe.deregister(from: live.reactor)
        try live.stop()
    }
}
