/// Characters that a place of a regular expression may be.
struct ScalarSet: Sendable {
    enum Member: Sendable {
        case range(ClosedRange<UnicodeScalar>)
        indirect case set(ScalarSet)
        /// General categories (`\p{L}`), by the letters that their names begin with.
        case category(String)
    }

    var members: [Member] = []
    var isNegated = false

    static let digit = ScalarSet(members: [.range("0"..."9")])
    static let word = ScalarSet(members: [.range("a"..."z"), .range("A"..."Z"), .range("0"..."9"), .range("_"..."_")])
    static let space = ScalarSet(members: [
        .range("\t"..."\r"), .range(" "..." "), .range("\u{A0}"..."\u{A0}"), .range("\u{1680}"..."\u{1680}"),
        .range("\u{2000}"..."\u{200A}"), .range("\u{2028}"..."\u{2029}"), .range("\u{202F}"..."\u{202F}"),
        .range("\u{205F}"..."\u{205F}"), .range("\u{3000}"..."\u{3000}"), .range("\u{FEFF}"..."\u{FEFF}"),
    ])
    static let lineEnds = ScalarSet(members: [
        .range("\n"..."\n"), .range("\r"..."\r"), .range("\u{2028}"..."\u{2029}"),
    ])

    var negated: ScalarSet { ScalarSet(members: [.set(self)], isNegated: true) }

    func contains(_ scalar: UnicodeScalar) -> Bool {
        members.contains { member in
            switch member {
            case .range(let range): range.contains(scalar)
            case .set(let set): set.contains(scalar)
            case .category(let name): Self.category(of: scalar).hasPrefix(name)
            }
        } != isNegated
    }

    /// The short name of the general category.
    static func category(of scalar: UnicodeScalar) -> String {
        switch scalar.properties.generalCategory {
        case .uppercaseLetter: "Lu"
        case .lowercaseLetter: "Ll"
        case .titlecaseLetter: "Lt"
        case .modifierLetter: "Lm"
        case .otherLetter: "Lo"
        case .nonspacingMark: "Mn"
        case .spacingMark: "Mc"
        case .enclosingMark: "Me"
        case .decimalNumber: "Nd"
        case .letterNumber: "Nl"
        case .otherNumber: "No"
        case .connectorPunctuation: "Pc"
        case .dashPunctuation: "Pd"
        case .openPunctuation: "Ps"
        case .closePunctuation: "Pe"
        case .initialPunctuation: "Pi"
        case .finalPunctuation: "Pf"
        case .otherPunctuation: "Po"
        case .mathSymbol: "Sm"
        case .currencySymbol: "Sc"
        case .modifierSymbol: "Sk"
        case .otherSymbol: "So"
        case .spaceSeparator: "Zs"
        case .lineSeparator: "Zl"
        case .paragraphSeparator: "Zp"
        case .control: "Cc"
        case .format: "Cf"
        case .surrogate: "Cs"
        case .privateUse: "Co"
        case .unassigned: "Cn"
        @unknown default: "Cn"
        }
    }

    /// The names by which an expression may ask for categories, and the letters that their short names begin with.
    static let categories: [String: String] = [
        "L": "L", "Letter": "L", "Lu": "Lu", "Uppercase_Letter": "Lu", "Ll": "Ll", "Lowercase_Letter": "Ll", "Lt": "Lt",
        "Lm": "Lm", "Lo": "Lo", "M": "M", "Mark": "M", "N": "N", "Number": "N", "Nd": "Nd", "Nl": "Nl", "No": "No",
        "P": "P", "Punctuation": "P", "S": "S", "Symbol": "S", "Sc": "Sc", "Sm": "Sm", "Z": "Z", "Separator": "Z",
        "Zs": "Zs", "C": "C", "Cc": "Cc", "Cf": "Cf",
    ]
}
