import Executions
import Testing

@Suite struct ExecutionIDTests {
    @Test func `ids rise strictly, also when the clock stands still or steps back`() {
        let ids = ExecutionIDGenerator()
        var last = ids.next(wallMicroseconds: 1_000_000_000_000)
        for step in 0..<10_000 {
            let next = ids.next(wallMicroseconds: 1_000_000_000_000 - Int64(step))
            #expect(next > last)
            #expect(next.rowID > last.rowID)
            last = next
        }
    }

    @Test func `ids rise above those that are in use already`() {
        let before = ExecutionIDGenerator().next(wallMicroseconds: 2_000_000_000_000_000)
        let next = ExecutionIDGenerator(after: before.rowID).next(wallMicroseconds: 1)
        #expect(next > before)
    }

    @Test func `an id is read from its text and from its row`() {
        let ids = ExecutionIDGenerator()
        for step in 0..<500 as Range<Int64> {
            let id = ids.next(wallMicroseconds: 1_769_851_800_000_000 + step * 977)
            #expect(ExecutionID(id.description) == id)
            #expect(ExecutionID(id.description.uppercased()) == id)
            #expect(ExecutionID(rowID: id.rowID, low: id.low) == id)
            #expect(id.rowID > 0)
        }
    }

    @Test func `an id carries its time as version 7 has it`() {
        let id = ExecutionIDGenerator().next(wallMicroseconds: 0x0123_4567_89AB * 1000)
        #expect(id.description.hasPrefix("01234567-89ab-7000-"))
        #expect("89ab".contains(id.description[id.description.index(id.description.startIndex, offsetBy: 19)]))
    }

    @Test func `a clock before 1970 is no reason to stop`() {
        #expect(ExecutionIDGenerator().next(wallMicroseconds: -5_000_000).rowID > 0)
    }

    @Test(arguments: [
        "", "01234567-89ab-7000-8000-00000000000", "01234567-89ab-7000-8000-0000000000000",
        "01234567-89ab-4000-8000-000000000000", "01234567-89ab-7000-c000-000000000000",
        "01234567-89ab-7000-0000-000000000000", "0123456789ab-7000-8000-000000000000-",
        "01234567-89ag-7000-8000-000000000000", "01234567089ab07000080000000000000000",
        "{1234567-89ab-7000-8000-00000000000}", "01234567-89ab-7000-8000-00000000000é",
    ])
    func `what is no id of version 7 is refused`(text: String) {
        #expect(ExecutionID(text) == nil)
    }
}
