import JSON
import Testing

@Test func `a writer puts everything behind what came before`() {
    var writer = ByteWriter()
    #expect(writer.count == 0)
    #expect(writer.bytes.isEmpty)
    writer.append("id: ")
    writer.append(decimal: 42)
    writer.append(byte: 0x0A)
    writer.append([0x61, 0x62])
    writer.append([])
    writer.append(utf8: "é\"")
    writer.append(json: ["a", 1])
    writer.append(key: "k")
    writer.append(object: ["x": true])
    [UInt8](repeating: 0x7A, count: 3).withUnsafeBytes { writer.append($0) }
    let expected = "id: 42\nabé\"[\"a\",1]\"k\"{\"x\":true}zzz"
    #expect(String(decoding: writer.bytes, as: UTF8.self) == expected)
    #expect(writer.count == expected.utf8.count)
    #expect(writer.withUnsafeBytes { [UInt8]($0) } == Array(expected.utf8))
}

@Test(arguments: [0, 7, -1, 9, 10, -10, 99, 100, 999, 1000, 9999, 10_000, 12_345, 123_456, 10_000_000, .max, .min])
func `an integer is written in decimal`(_ number: Int) {
    var writer = ByteWriter()
    writer.append(decimal: number)
    #expect(String(decoding: writer.bytes, as: UTF8.self) == String(number))
}

@Test func `the largest unsigned integer is written in decimal`() {
    var writer = ByteWriter()
    writer.append(decimal: UInt64.max)
    #expect(String(decoding: writer.bytes, as: UTF8.self) == "18446744073709551615")
}

@Test func `the least and the greatest number of so many digits are written in decimal`() {
    var power: UInt64 = 1
    for digits in 1...19 {
        power *= 10
        var writer = ByteWriter()
        writer.append(decimal: power - 1)
        writer.append(byte: 0x20)
        writer.append(decimal: power)
        let nines = String(repeating: "9", count: digits)
        let zeros = String(repeating: "0", count: digits)
        #expect(String(decoding: writer.bytes, as: UTF8.self) == "\(nines) 1\(zeros)")
    }
}

@Test(
    arguments: [
        (0, "0"), (7, "0.007"), (10, "0.01"), (100, "0.1"), (120, "0.12"), (999, "0.999"), (1_000, "1"),
        (1_250, "1.25"),
        (10_005, "10.005"), (1_500_100, "1500.1"), (-1, "0"), (-1_500, "-1"),
    ] as [(Int64, String)])
func `microseconds are written as milliseconds without zeros at the end`(_ microseconds: Int64, _ text: String) {
    var writer = ByteWriter()
    writer.append(milliseconds: microseconds)
    #expect(String(decoding: writer.bytes, as: UTF8.self) == text)
}

@Test(arguments: [
    ("", #""""#), ("plain", #""plain""#), ("\"", #""\"""#), ("\\", #""\\""#),
    ("a\nb\r\t\u{8}\u{C}", #""a\nb\r\t\b\f""#),
    ("\0\u{1}\u{F}\u{10}\u{1F}", #""\u0000\u0001\u000f\u0010\u001f""#), ("/é😀\u{2028}", "\"/é😀\u{2028}\""),
    ("\n\n", #""\n\n""#),
])
func `a string is written with the fewest escapes`(_ string: String, _ token: String) throws {
    var writer = ByteWriter()
    writer.appendJSONString(string)
    #expect(String(decoding: writer.bytes, as: UTF8.self) == token)
    #expect(try JSONText(parsing: writer.bytes).string == string)
}

@Test func `a writer grows from one byte to a megabyte`() {
    var writer = ByteWriter(capacity: 1)
    for index in 0..<1_000_000 { writer.append(byte: UInt8(truncatingIfNeeded: index)) }
    #expect(writer.count == 1_000_000)
    let kept = writer.bytes.enumerated().allSatisfy { $1 == UInt8(truncatingIfNeeded: $0) }
    #expect(kept)
}

@Test func `a writer is overwritten in place, cut and emptied`() {
    var writer = ByteWriter()
    writer.append("0000\r\nhello")
    writer.overwrite(at: 0, with: Array("0005".utf8))
    writer.overwrite(at: 11, with: [])
    #expect(String(decoding: writer.bytes, as: UTF8.self) == "0005\r\nhello")
    writer.truncate(to: 4)
    #expect(writer.bytes == Array("0005".utf8))
    writer.removeAll(keepingCapacity: true)
    #expect(writer.count == 0)
    writer.append("x")
    writer.removeAll(keepingCapacity: false)
    writer.append("y")
    #expect(writer.bytes == [0x79])
}

@Test func `overwriting past the end stops the process`() async {
    await #expect(processExitsWith: .failure) {
        var writer = ByteWriter()
        writer.append("abc")
        writer.overwrite(at: 2, with: [1, 2])
    }
}
