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
            let reactor = try Reactor()
            var accepted: [Peer] = []
            let listener = try Listener(
                Socket.listen(at: .ipv4(0x7F00_0001, port: 0)), on: reactor, refusal: Array("busy".utf8)
            ) { connection, _ in accepted.append(Peer(connection)) }
            var clients = try (0..<100).map { _ in Peer(try Socket.connect(to: listener.address)) }
            let lowestFree = try EventCounter().descriptor.raw
            try DescriptorLimit.set(soft: UInt(lowestFree) + 3)

            try reactor.turn(until: { accepted.count + Int(listener.refusals) == 100 })
            precondition(accepted.count == 3, "\(accepted.count)")
            let answers = try clients.map { try $0.receive() }
            precondition(answers.filter { $0 == "busy" }.count == 97)
            // Nothing is left to do: the backlog does not spin.
            let turns = reactor.turnMetrics.turns
            var isOver = false
            _ = reactor.schedule(afterMilliseconds: 20) { isOver = true }
            try reactor.turn(until: { isOver })
            precondition(reactor.turnMetrics.turns - turns <= 10)

            clients.removeAll()
            accepted.removeAll()
            let late = Peer(try Socket.connect(to: listener.address))
            try reactor.turn(until: { accepted.count == 1 })
            let answer = try late.receive()
            precondition(answer == nil)
        }
    }
}
