import Auth
import Testing

@Suite struct TicketTableTests {
    private static let minute = TicketTable.idleNanoseconds
    private var table = TicketTable()
    private var generator = SystemRandomNumberGenerator()
    private let access = Access(.token(id: "t", name: "ci"), .run, graphs: ["g"], expiresAtMicroseconds: 9)

    private mutating func issue(_ execution: String = "e", _ access: Access? = nil, at now: Int64 = 0) -> String? {
        table.issue(for: execution, access ?? self.access, nowNanoseconds: now, using: &generator)
    }

    @Test mutating func `it lets its holder look at one execution, as far as the holder may`() throws {
        let text = try #require(issue())
        let ticket = try #require(table.find(text, for: "e", nowNanoseconds: 1))
        #expect(ticket.access.holder == access.holder && ticket.access.scope == .read)
        #expect(ticket.access.graphs == ["g"] && ticket.access.expiresAtMicroseconds == 9)
        #expect(table.find(text, for: "f", nowNanoseconds: 1) == nil)
        for other in ["", "x", text + "x", String(text.reversed())] {
            #expect(table.find(other, for: "e", nowNanoseconds: 1) == nil)
        }
    }

    @Test mutating func `it is to be opened within a minute`() throws {
        let text = try #require(issue())
        #expect(table.find(text, for: "e", nowNanoseconds: Self.minute - 1) != nil)
        #expect(table.find(text, for: "e", nowNanoseconds: Self.minute) == nil)
    }

    @Test mutating func `it lasts as long as its stream, and a minute longer each time`() throws {
        let text = try #require(issue())
        let key = try #require(table.find(text, for: "e", nowNanoseconds: 0)).key
        table.streamBegan(key)
        #expect(table.find(text, for: "e", nowNanoseconds: 100 * Self.minute) != nil)
        table.streamEnded(key, nowNanoseconds: 100 * Self.minute)
        #expect(table.find(text, for: "e", nowNanoseconds: 101 * Self.minute - 1) != nil)
        table.streamBegan(key)
        table.streamEnded(key, nowNanoseconds: 200 * Self.minute)
        #expect(table.find(text, for: "e", nowNanoseconds: 201 * Self.minute) == nil)
    }

    @Test mutating func `the first page keeps it`() throws {
        let text = try #require(issue())
        let key = try #require(table.find(text, for: "e", nowNanoseconds: 0)).key
        table.bind(key, toOrigin: "https://a")
        table.bind(key, toOrigin: "https://b")
        #expect(table.find(text, for: "e", nowNanoseconds: 0)?.page == .known(origin: "https://a"))
    }

    @Test mutating func `one holder cannot take all places, and those that are over make room`() {
        for _ in 0..<1_000 { #expect(issue() != nil) }
        #expect(issue() == nil)
        #expect(issue("e", Access(.token(id: "u", name: ""), .read)) != nil)
        #expect(issue(at: Self.minute) != nil)
    }
}
