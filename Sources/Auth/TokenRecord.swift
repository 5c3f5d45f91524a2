/// What is kept of a token.
package struct TokenRecord: Sendable, Equatable {
    package let id: String
    /// For people: in lists and in the log.
    package let name: String
    /// SHA-256 of the secret.
    let hash: [UInt8]
    package let scope: Scope
    /// The graphs that it is for, sorted; nil for all.
    package let graphs: [String]?
    package let createdAtMicroseconds: Int64
    package let expiresAtMicroseconds: Int64?
    package internal(set) var revokedAtMicroseconds: Int64?

    package func isExpired(atMicroseconds now: Int64) -> Bool {
        expiresAtMicroseconds.map { $0 <= now } ?? false
    }
}

/// What a new token is to be.
package struct TokenOrder: Sendable, Equatable {
    package static let nameBytesMax = 128
    package static let graphsMax = 100

    package let name: String
    package let scope: Scope
    package let graphs: [String]?
    package let expiresAtMicroseconds: Int64?

    /// Why a token cannot be made like that, and which member of the order says so.
    package struct Fault: Error, Equatable, Sendable, CustomStringConvertible {
        package let member: String
        package let message: String
        package var description: String { "\(member): \(message)" }
    }

    package init(
        name: String, scope: Scope, graphs: [String]? = nil, expiresAtMicroseconds: Int64? = nil,
        nowMicroseconds now: Int64
    ) throws(Fault) {
        guard name.utf8.count <= Self.nameBytesMax else {
            throw Fault(member: "name", message: "must have at most \(Self.nameBytesMax) bytes")
        }
        guard name.unicodeScalars.allSatisfy(Self.isVisible) else {
            throw Fault(member: "name", message: "must have no control characters, and none that nobody sees")
        }
        if let graphs {
            guard (1...Self.graphsMax).contains(graphs.count) else {
                throw Fault(member: "graphs", message: "must name from 1 to \(Self.graphsMax) graphs")
            }
            if let bad = graphs.first(where: { !Self.isGraphID($0) }) {
                throw Fault(member: "graphs", message: "\(bad.prefix(80)) is no id of a graph")
            }
            guard scope < .admin else {
                throw Fault(member: "graphs", message: "cannot restrict a token of scope admin")
            }
        }
        if let expiry = expiresAtMicroseconds, expiry <= now {
            throw Fault(member: "expires_at", message: "must be in the future")
        }
        self.name = name
        self.scope = scope
        self.graphs = graphs.map { Array(Set($0)).sorted() }
        self.expiresAtMicroseconds = expiresAtMicroseconds
    }

    /// Whether a reader sees it, and sees the rest of the line where it stands: the name is a line in lists and in the log.
    private static func isVisible(_ scalar: Unicode.Scalar) -> Bool {
        switch scalar.properties.generalCategory {
        // Format characters turn the direction of writing, join, or have no width.
        case .control, .format, .lineSeparator, .paragraphSeparator, .surrogate, .privateUse, .unassigned: false
        default: !scalar.properties.isDefaultIgnorableCodePoint && scalar.value != brailleBlank
        }
    }

    private static let brailleBlank: UInt32 = 0x2800

    /// `[a-z0-9][a-z0-9._-]{0,63}`
    static func isGraphID(_ id: String) -> Bool {
        guard (1...64).contains(id.utf8.count), let first = id.utf8.first else { return false }
        func isAlphanumeric(_ byte: UInt8) -> Bool { (0x61...0x7A).contains(byte) || (0x30...0x39).contains(byte) }
        return isAlphanumeric(first) && id.utf8.allSatisfy { isAlphanumeric($0) || "._-".utf8.contains($0) }
    }
}
