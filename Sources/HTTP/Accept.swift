/// What media types a client takes, and how gladly (RFC 9110, 12.5.1).
package struct Accept: Sendable, Equatable {
    /// How many ranges are looked at, over all `Accept` fields; a browser sends eight.
    package static let rangesMax = 32

    private var ranges: [Range] = []
    private let isAbsent: Bool

    private struct Range: Sendable, Equatable {
        let mediaType: MediaType
        /// In thousandths.
        let quality: Int

        /// How exactly the range names `offer`, or nil if it does not.
        func specificity(for offer: MediaType) -> Int? {
            if mediaType.type == "*" { return mediaType.subtype == "*" ? 0 : nil }
            guard mediaType.type == offer.type else { return nil }
            if mediaType.subtype == "*" { return 1 }
            guard mediaType.subtype == offer.subtype else { return nil }
            guard mediaType.parameters.allSatisfy({ offer[$0.name] == $0.value }) else { return nil }
            return 2 + mediaType.parameters.count
        }
    }

    /// - Parameter headers: of a request. Without an `Accept` field, or with an empty one, everything is taken. Members
    ///   that are no media ranges are left out.
    package init(_ headers: HeaderFields) {
        let values = headers.values(of: "accept")
        isAbsent = values.allSatisfy(\.isEmpty)
        for value in values { add(value) }
    }

    private mutating func add(_ value: String) {
        var scanner = FieldScanner(value)
        while !scanner.isAtEnd, ranges.count < Self.rangesMax {
            scanner.skipBlanks()
            if scanner.take(ASCII.comma) { continue }
            let range = MediaType(&scanner)
            scanner.skipBlanks()
            if let range, scanner.isAtEnd || scanner.next == ASCII.comma { add(range) }
            scanner.skipMember()
        }
    }

    /// Takes the weight off the parameters; what stands behind it belongs to no media type.
    private mutating func add(_ range: MediaType) {
        guard let weight = range.parameters.firstIndex(where: { $0.name == "q" }) else {
            return ranges.append(Range(mediaType: range, quality: 1000))
        }
        guard let quality = Self.quality(range.parameters[weight].value) else { return }
        let plain = MediaType(
            type: range.type, subtype: range.subtype, parameters: Array(range.parameters[..<weight]))
        ranges.append(Range(mediaType: plain, quality: quality))
    }

    /// `0`, `0.5`, `1.000`: at most three decimals, at most 1 (RFC 9110, 12.4.2); in thousandths.
    private static func quality(_ text: String) -> Int? {
        let bytes = Array(text.utf8)
        guard let first = bytes.first, first == ASCII.zero || first == ASCII.zero + 1 else { return nil }
        var value = Int(first - ASCII.zero) * 1000
        guard bytes.count > 1 else { return value }
        guard bytes[1] == ASCII.dot, bytes.count <= 5 else { return nil }
        for (byte, place) in zip(bytes.dropFirst(2), [100, 10, 1]) {
            guard ASCII.isDigit(byte) else { return nil }
            value += Int(byte - ASCII.zero) * place
        }
        return value <= 1000 ? value : nil
    }

    /// How gladly the client takes `offer`, in thousandths: the weight of the range that names it most exactly, 0 if none.
    package func quality(of offer: MediaType) -> Int {
        guard !isAbsent else { return 1000 }
        var best = (specificity: -1, quality: 0)
        for range in ranges {
            guard let specificity = range.specificity(for: offer), specificity > best.specificity else { continue }
            best = (specificity, range.quality)
        }
        return best.quality
    }

    /// The offer that the client likes best; among equals the one that stands first. Nil (406) if it takes none.
    package func preferred(among offers: [MediaType]) -> MediaType? {
        var best: (offer: MediaType, quality: Int)?
        for offer in offers {
            let quality = quality(of: offer)
            if quality > best?.quality ?? 0 { best = (offer, quality) }
        }
        return best?.offer
    }
}
