/// Where a client wants its event stream resumed: the `seq` of the last event that it has.
package enum LastEventID {
    /// - Returns: the number in `text` if it is written as the server writes it: digits alone, without leading zeros.
    package static func sequence(_ text: String) -> UInt64? {
        guard text == "0" || text.utf8.first != ASCII.zero else { return nil }
        return ASCII.decimal(text.utf8)
    }
}
