/// A validator of a representation: `"7"` or `W/"7"` (RFC 9110, 8.8.3).
package struct EntityTag: Sendable, Hashable, CustomStringConvertible {
    /// What stands between the quotes.
    package let opaque: String
    package let isWeak: Bool

    /// - Parameter opaque: visible characters without quotes: of our own making, so that another is a bug.
    package init(_ opaque: String, isWeak: Bool = false) {
        precondition(opaque.utf8.allSatisfy(Self.isOpaque), "not the inside of an entity tag")
        self.opaque = opaque
        self.isWeak = isWeak
    }

    init?(_ scanner: inout FieldScanner) {
        var isWeak = false
        if scanner.take(UInt8(ascii: "W")) {
            guard scanner.take(ASCII.slash) else { return nil }
            isWeak = true
        }
        guard scanner.take(ASCII.quote) else { return nil }
        opaque = scanner.run(Self.isOpaque) ?? ""
        guard scanner.take(ASCII.quote) else { return nil }
        self.isWeak = isWeak
    }

    private static func isOpaque(_ byte: UInt8) -> Bool {
        byte >= 0x21 && byte != ASCII.quote && byte != 0x7F
    }

    /// Whether a client that shows this tag means the representation of `own`, a strong tag of this server. A proxy that
    /// compresses weakens a tag on its way (nginx: `W/"7"`) or puts the coding behind it (Apache: `"7-gzip"`), and none of them
    /// takes that back. Revisions are numbered, so no other tag can look like that.
    package func means(_ own: EntityTag) -> Bool {
        if opaque == own.opaque { return true }
        guard opaque.utf8.count > own.opaque.utf8.count + 1, opaque.hasPrefix("\(own.opaque)-") else { return false }
        return opaque.utf8.dropFirst(own.opaque.utf8.count + 1).allSatisfy {
            $0 == UInt8(ascii: "-") || UInt8(ascii: "a")...UInt8(ascii: "z") ~= $0 | 0x20
        }
    }

    /// As in an `ETag` field.
    package var description: String { "\(isWeak ? "W/" : "")\"\(opaque)\"" }
}

/// The conditions of a request on what is stored (RFC 9110, 13.1 and 13.2).
package struct Preconditions: Sendable, Equatable {
    /// How many tags one condition may list: a cache holds a few variants of a resource.
    package static let tagsMax = 100

    package let ifMatch: Condition?
    package let ifNoneMatch: Condition?

    package enum Condition: Sendable, Equatable {
        /// `*`: whatever is there.
        case any
        case tags([EntityTag])
    }

    package enum Outcome: Sendable, Equatable {
        case proceed
        /// 304
        case notModified
        /// 412
        case failed
    }

    /// - Throws: a 400 for a field that is neither `*` nor a list of entity tags; ignoring it could overwrite something.
    package init(_ headers: HeaderFields) throws(RequestFault) {
        ifMatch = try Self.condition("if-match", headers)
        ifNoneMatch = try Self.condition("if-none-match", headers)
    }

    /// Checks against what is stored now.
    ///
    /// The comparison is weaker than RFC 9110, 13.1.1, wants for `If-Match`: else nobody behind a compressing proxy could change
    /// anything (`EntityTag.means`).
    ///
    /// - Parameters:
    ///   - current: the tags of all representations of the resource, or none if it does not exist.
    ///   - isRead: whether the method is GET or HEAD, for which a match of `If-None-Match` means 304.
    package func evaluate(current: [EntityTag], isRead: Bool) -> Outcome {
        if let ifMatch, !Self.matches(ifMatch, current) { return .failed }
        if let ifNoneMatch, Self.matches(ifNoneMatch, current) { return isRead ? .notModified : .failed }
        return .proceed
    }

    private static func matches(_ condition: Condition, _ current: [EntityTag]) -> Bool {
        switch condition {
        case .any: !current.isEmpty
        case .tags(let tags): tags.contains { tag in current.contains { tag.means($0) } }
        }
    }

    private static func condition(_ name: String, _ headers: HeaderFields) throws(RequestFault) -> Condition? {
        let values = headers.values(of: name)
        guard !values.isEmpty else { return nil }
        if values == ["*"] { return .any }
        var tags: [EntityTag] = []
        for value in values {
            guard let parsed = Self.tags(value) else { throw Self.invalid(name) }
            tags += parsed
        }
        guard 1...tagsMax ~= tags.count else { throw invalid(name) }
        return .tags(tags)
    }

    private static func tags(_ value: String) -> [EntityTag]? {
        var scanner = FieldScanner(value)
        var tags: [EntityTag] = []
        while true {
            scanner.skipBlanks()
            if scanner.take(ASCII.comma) { continue }
            if scanner.isAtEnd { return tags }
            guard tags.count <= tagsMax, let tag = EntityTag(&scanner) else { return nil }
            tags.append(tag)
            scanner.skipBlanks()
            guard scanner.isAtEnd || scanner.next == ASCII.comma else { return nil }
        }
    }

    private static func invalid(_ name: String) -> RequestFault {
        RequestFault(
            code: "invalid_\(name.split(separator: "-").joined(separator: "_"))",
            detail: "Send \(name) as * or as a list of up to \(tagsMax) quoted entity tags.")
    }
}
