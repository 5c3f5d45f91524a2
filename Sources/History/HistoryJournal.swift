import Executions
import Glibc

/// The -wal file beside a history, looked at before SQLite does.
///
/// SQLite drops a journal that it cannot use without a word, and with it the latest commits: after a kill those lie nowhere
/// else. So what is no journal, or has lost its history, is refused and left as it is. And it takes the journal of another
/// history for the file's own, as long as that is whole.
struct HistoryJournal {
    /// sqlite.org/fileformat2.html#walformat: a header of 32 bytes that begins with one of two numbers.
    private static let headerBytes = 32
    private static let magics: [[UInt8]] = [[0x37, 0x7F, 0x06, 0x82], [0x37, 0x7F, 0x06, 0x83]]

    let historyPath: String
    private var path: String { historyPath + "-wal" }

    func check() throws(StoreError) {
        guard let header = header(), header.count == Self.headerBytes else { return }
        // A loss of power may leave an empty one of its full length.
        guard header.contains(where: { $0 != 0 }) else { return }
        guard Self.magics.contains(Array(header.prefix(4))) else {
            throw StoreError(
                "\(path) is damaged or no journal of SQLite, and was left as it is: restore it together with"
                    + " \(historyPath), or move it away and lose the latest events")
        }
        guard isHistoryThere else {
            throw StoreError(
                "\(path) is there, but the history \(historyPath) that it belongs to is missing or empty: bring that back,"
                    + " or move the journal away to begin a new history")
        }
        if let own = HistoryIdentity(ofHistory: historyPath),
            HistoryIdentity.all(inJournal: path).contains(where: { $0 != own })
        {
            throw StoreError(
                "\(path) belongs to another history than \(historyPath), and was left as it is: bring back the one that was"
                    + " beside it, or move it away and lose the latest events")
        }
    }

    private var isHistoryThere: Bool {
        var status = stat()
        return stat(historyPath, &status) == 0 && status.st_size > 0
    }

    /// Its first bytes; nil without a file. What cannot be read is for SQLite to complain about.
    private func header() -> [UInt8]? {
        let descriptor = open(path, O_RDONLY | O_CLOEXEC)
        guard descriptor >= 0 else { return nil }
        defer { Glibc.close(descriptor) }
        return [UInt8](unsafeUninitializedCapacity: Self.headerBytes) { buffer, count in
            count = max(pread(descriptor, buffer.baseAddress, buffer.count, 0), 0)
        }
    }
}
