import Testing

@testable import Auth

@Suite struct RateTableTests {
    private let second: Int64 = 1_000_000_000

    @Test func `a burst is served at once, and then what the rate allows`() {
        var table = RateTable<String>(perMinute: 60, burst: 3)
        #expect((0..<3).map { _ in table.take("a", nowNanoseconds: 0) } == [nil, nil, nil])
        #expect(table.take("a", nowNanoseconds: 0) == 1)
        #expect(table.take("a", nowNanoseconds: second - 1) == 1)
        #expect(table.take("a", nowNanoseconds: second) == nil)
        #expect(table.take("a", nowNanoseconds: second) == 1)
        // Others have buckets of their own.
        #expect(table.take("b", nowNanoseconds: 0) == nil)
        // After a long silence there is a burst again, and no more than one.
        #expect((0..<4).map { _ in table.take("a", nowNanoseconds: 100 * second) } == [nil, nil, nil, 1])
    }

    @Test func `the wait that is told is enough and not too much`() {
        var table = RateTable<Int>(perMinute: 6, burst: 1)
        #expect(table.take(1, nowNanoseconds: 0) == nil)
        let wait = table.take(1, nowNanoseconds: 0)
        #expect(wait == 10)
        #expect(table.take(1, nowNanoseconds: 9 * second) == 1)
        #expect(table.take(1, nowNanoseconds: 10 * second) == nil)
    }

    @Test func `a refused attempt costs nothing`() {
        var table = RateTable<Int>(perMinute: 60, burst: 1)
        _ = table.take(1, nowNanoseconds: 0)
        for _ in 0..<1_000 { #expect(table.take(1, nowNanoseconds: 0) == 1) }
        #expect(table.take(1, nowNanoseconds: second) == nil)
    }

    @Test func `the table has a limit, and who comes beyond it shares one bucket`() {
        var table = RateTable<Int>(perMinute: 60, burst: 2, keysMax: 100)
        for key in 0..<100 { #expect(table.take(key, nowNanoseconds: 0) == nil) }
        #expect([100, 101, 102].map { table.take($0, nowNanoseconds: 0) } == [nil, nil, 1])
        #expect(table.count == 100)
        // Those that are counted keep what they have.
        #expect(table.take(5, nowNanoseconds: 0) == nil)
        #expect(table.take(5, nowNanoseconds: 0) == 1)
        // Once buckets are full they are forgotten, and newcomers get their own.
        #expect(table.take(200, nowNanoseconds: 10 * second) == nil)
        #expect(table.count == 1)
    }
}
