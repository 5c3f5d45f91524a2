/// Why a text is no JSON that is accepted here, or why a patch does not apply.
package struct JSONError: Error, Sendable, Equatable, CustomStringConvertible {
    package enum Kind: Sendable {
        /// Against the grammar of RFC 8259, or a lone surrogate (RFC 7493, section 2.1).
        case malformed
        /// Not well-formed UTF-8.
        case notUTF8
        /// Nested deeper than `JSONLimits.depthMax`.
        case tooDeep
        /// Longer than `JSONLimits.bytesMax`.
        case tooLarge
        /// An object names one key twice (compared decoded, by code points).
        case duplicateKey
        /// Valid JSON, but of another kind than is called for.
        case wrongKind
        /// A JSON Pointer or JSON Patch that is malformed or does not apply.
        case patch
    }

    package var kind: Kind
    /// What is wrong and where, for people.
    package var message: String
    /// The same without the place, for those who tell it in their own way.
    package var what: String
    /// The byte of the text that the fault was found at; 0 where there is no such place.
    package var offset: Int

    /// - Parameter what: the message without the place, where it holds one.
    package init(_ kind: Kind, _ message: String, what: String? = nil, offset: Int = 0) {
        self.kind = kind
        self.message = message
        self.what = what ?? message
        self.offset = offset
    }

    package var description: String { message }
}
