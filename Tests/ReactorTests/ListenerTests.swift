import Glibc
import Linux
import Testing

@testable import Reactor

@Suite struct ListenerTests {
    @Test func `a turn accepts a bounded number, and the next goes on by itself`() throws {
        let reactor = try Reactor()
        var accepted = 0
        let listener = try Listener(Socket.listen(at: .ipv4(0x7F00_0001, port: 0)), on: reactor) { _, peer in
            #expect(peer.isLoopback)
            accepted += 1
        }
        let connections = 2 * Listener.acceptsPerTurnMax + 1
        let clients = try (0..<connections).map { _ in Peer(try Socket.connect(to: listener.address)) }
        for expected in [Listener.acceptsPerTurnMax, 2 * Listener.acceptsPerTurnMax, connections] {
            try reactor.turn()
            #expect(accepted == expected)
        }
        let late = Peer(try Socket.connect(to: listener.address))
        try reactor.turn()
        #expect(accepted == connections + 1)
        withExtendedLifetime((clients, late)) {}
    }

    @Test func `a paused listener leaves connections in the backlog until it is resumed`() throws {
        let reactor = try Reactor()
        var accepted = 0
        let listener = try Listener(Socket.listen(at: .ipv4(0x7F00_0001, port: 0)), on: reactor) { _, _ in
            accepted += 1
        }
        listener.pause()
        let client = Peer(try Socket.connect(to: listener.address))
        try reactor.turn()
        #expect(accepted == 0)
        listener.resume()
        try reactor.turn()
        #expect(accepted == 1)
        listener.close()
        #expect(reactor.registrations == 0)
        withExtendedLifetime(client) {}
    }

    @Test func `without a free descriptor a connection is refused politely, and with one it is accepted again`() async {
        await #expect(processExitsWith: .success) {
            // A thread with a table of descriptors of its own: the runtime's threads crash without a free one.
            try spawnThread(name: "exhausted") {
                do { try refuseAndRecover() } catch { preconditionFailure("\(error)") }
            }.join()
        }
    }
}

private func refuseAndRecover() throws {
    isolateDescriptors()
    let reactor = try Reactor()
    var accepted: [Peer] = []
    let listener = try Listener(
        Socket.listen(at: .ipv4(0x7F00_0001, port: 0)), on: reactor, refusal: Array("busy".utf8)
    ) { connection, _ in accepted.append(Peer(connection)) }
    var clients = try (0..<100).map { _ in Peer(try Socket.connect(to: listener.address)) }
    let fillers = fillDescriptors(leaving: 3)

    try reactor.turn(until: { accepted.count + Int(listener.refusals) == 100 })
    precondition(accepted.count == 3, "\(accepted.count)")
    // Nothing is left to do: the backlog does not spin.
    let turns = reactor.turnMetrics.turns
    var isOver = false
    _ = reactor.schedule(afterMilliseconds: 20) { isOver = true }
    try reactor.turn(until: { isOver })
    precondition(reactor.turnMetrics.turns - turns <= 10)

    // All are closed now, so each of them can wait for its answer or the end.
    accepted.removeAll()
    var polite = 0
    for client in clients {
        try client.descriptor.setBlocking(true)
        if try client.receive() == "busy" { polite += 1 }
    }
    precondition(polite == 97, "\(polite)")
    clients.removeAll()
    let late = Peer(try Socket.connect(to: listener.address))
    try reactor.turn(until: { accepted.count == 1 })
    let answer = try late.receive()
    precondition(answer == nil)
    for filler in fillers { close(filler) }
}

/// unshare(2) CLONE_FILES of the calling thread, and a limit that is quickly reached.
private func isolateDescriptors() {
    typealias Unshare = @convention(c) (Int32) -> Int32
    let unshare = unsafeBitCast(dlsym(nil, "unshare"), to: Unshare.self)
    let cloneFiles: Int32 = 0x400
    precondition(unshare(cloneFiles) == 0)
    do { try DescriptorLimit.set(soft: 512) } catch { preconditionFailure("\(error)") }
}

/// Takes all descriptors but some.
private func fillDescriptors(leaving free: Int) -> [Int32] {
    var fillers: [Int32] = []
    while true {
        let filler = dup(0)
        if filler == -1 { break }
        fillers.append(filler)
    }
    for filler in fillers.suffix(free) { close(filler) }
    return fillers.dropLast(free)
}
