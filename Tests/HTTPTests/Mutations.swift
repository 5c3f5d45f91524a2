/// Random numbers that are the same in every run (SplitMix64).
struct SeededGenerator: RandomNumberGenerator {
    var state: UInt64

    mutating func next() -> UInt64 {
        state &+= 0x9E37_79B9_7F4A_7C15
        var mixed = state
        mixed = (mixed ^ (mixed >> 30)) &* 0xBF58_476D_1CE4_E5B9
        mixed = (mixed ^ (mixed >> 27)) &* 0x94D0_49BB_1331_11EB
        return mixed ^ (mixed >> 31)
    }
}

/// Corpus cases changed in one to four places by what has broken parsers before.
enum Mutations {
    private static let hostilePieces: [String] = [
        "\r", "\n", "\r\n", "\r\n\r\n", " ", "\t", ":", ",", ";", "=", "\0", "\u{7F}", "\u{80}", "\u{FF}", "%", "%00",
        "#", "0",
        "1", "9", "-", "+", "0x", "F", "FFFFFFFF", "chunked", "Content-Length: 3\r\n", "Content-Length: 0\r\n",
        "Transfer-Encoding: chunked\r\n", "Transfer-Encoding : chunked\r\n", "Host: b\r\n", "Connection: close\r\n",
        " HTTP/1.1", "HTTP/1.0", "GET / HTTP/1.1\r\nHost: a\r\n\r\n", "0\r\n\r\n", "3\r\nabc\r\n",
    ]

    static func mutation(seed: UInt64) -> (name: String, bytes: [UInt8]) {
        var generator = SeededGenerator(state: seed)
        // Half of them start from a valid request, and most are changed once: else hardly one would still be taken.
        let bases = Bool.random(using: &generator) ? CorpusCase.valid : CorpusCase.all
        let base = bases.randomElement(using: &generator)!
        var bytes = base.bytes
        let changes = min(Int.random(in: 1...4, using: &generator), Int.random(in: 1...4, using: &generator))
        for _ in 0..<changes { mutate(&bytes, &generator) }
        return ("\(base.name), seed \(seed)", bytes)
    }

    private static func mutate(_ bytes: inout [UInt8], _ generator: inout SeededGenerator) {
        let index = Int.random(in: 0...bytes.count, using: &generator)
        let end = min(bytes.count, index + Int.random(in: 1...8, using: &generator))
        switch Int.random(in: 0..<6, using: &generator) {
        case 0: bytes.replaceSubrange(index..<end, with: [])
        case 1: if index < bytes.count { bytes[index] = UInt8.random(in: 0...255, using: &generator) }
        case 2: bytes.insert(contentsOf: bytes[index..<end], at: index)
        case 3:
            let other = CorpusCase.all.randomElement(using: &generator)!.bytes
            bytes.replaceSubrange(index..., with: other.suffix(Int.random(in: 0...other.count, using: &generator)))
        default:
            let piece = [UInt8](latin1: hostilePieces.randomElement(using: &generator)!)
            bytes.replaceSubrange(Bool.random(using: &generator) ? index..<index : index..<end, with: piece)
        }
    }
}
