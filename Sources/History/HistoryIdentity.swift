import Glibc

/// A word that no two histories share. It stands in the text of the schema, and so on the first page of the file, which is
/// also in nearly each -wal file: it is written whenever the file grows. So a journal can be told from that of another
/// history, as long as it holds that page.
struct HistoryIdentity: Hashable {
    private static let mark = Array("history_identity AS SELECT '".utf8)
    private static let digits = Array("0123456789abcdef".utf8)
    private static let wordBytes = 32
    private static let end = Array("' AS word".utf8)
    /// sqlite.org/fileformat2.html: the sizes of a page, of the journal's header, and of that of each of its pages.
    private static let pageBytesDefault = 16 << 10
    private static let journalHeaderBytes = 32
    private static let frameHeaderBytes = 24

    private let word: [UInt8]

    private init(word: [UInt8]) {
        self.word = word
    }

    /// A new one.
    static func make() -> HistoryIdentity {
        HistoryIdentity(word: (0..<wordBytes).map { _ in digits[Int.random(in: 0..<16)] })
    }

    /// What makes it part of a history.
    var sql: String {
        "CREATE VIEW \(String(decoding: Self.mark, as: UTF8.self))\(String(decoding: word + Self.end, as: UTF8.self));"
    }

    /// Of the history itself, without its journal; nil where there is none yet.
    init?(ofHistory path: String) {
        let file = open(path, O_RDONLY | O_CLOEXEC)
        guard file >= 0 else { return nil }
        defer { close(file) }
        self.init(inPage: Self.read(file, at: 0, count: Self.pageBytesDefault))
    }

    /// Those on the first pages that lie in a journal.
    static func all(inJournal path: String) -> Set<HistoryIdentity> {
        let file = open(path, O_RDONLY | O_CLOEXEC)
        guard file >= 0 else { return [] }
        defer { close(file) }
        let header = read(file, at: 0, count: journalHeaderBytes)
        guard header.count == journalHeaderBytes, number(header, at: 8) == pageBytesDefault else { return [] }
        var found: Set<HistoryIdentity> = []
        var offset = journalHeaderBytes
        while true {
            let frame = read(file, at: offset, count: frameHeaderBytes)
            // Pages of earlier uses of the file, which nobody reads any more, have other salts.
            guard frame.count == frameHeaderBytes, frame[8..<16] == header[16..<24] else { return found }
            if number(frame, at: 0) == 1 {
                let page = read(file, at: offset + frameHeaderBytes, count: pageBytesDefault)
                if let identity = HistoryIdentity(inPage: page) { found.insert(identity) }
            }
            offset += frameHeaderBytes + pageBytesDefault
        }
    }

    private init?(inPage page: [UInt8]) {
        guard let start = page.firstRange(of: Self.mark)?.upperBound else { return nil }
        let rest = page[start...]
        let word = rest.prefix(Self.wordBytes)
        // Half of a page may be there after a crash in the middle of a write.
        guard word.allSatisfy(Self.digits.contains), rest.dropFirst(Self.wordBytes).starts(with: Self.end) else {
            return nil
        }
        self.word = Array(word)
    }

    private static func number(_ bytes: [UInt8], at index: Int) -> Int {
        bytes[index..<index + 4].reduce(0) { $0 << 8 | Int($1) }
    }

    private static func read(_ file: Int32, at offset: Int, count: Int) -> [UInt8] {
        [UInt8](unsafeUninitializedCapacity: count) { buffer, filled in
            filled = max(pread(file, buffer.baseAddress, count, off_t(offset)), 0)
        }
    }
}
