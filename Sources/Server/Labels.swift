import HTTP
import JSON

/// Labels of an execution: what whoever starts it wants to find it by.
enum Labels {
    private static let countMax = 32
    private static let nameBytesMax = 63
    private static let valueBytesMax = 256
    /// What a parameter begins with that filters by one.
    static let parameterPrefix = "label."

    /// Those of the body of a start, in their order, and what is wrong with them.
    static func read(_ value: JSONText) -> (labels: JSONObject, faults: [ProblemDetails.Violation]) {
        guard let members = value.object else {
            return ([:], [.init(pointer: "/labels", message: "must be an object of strings")])
        }
        var faults: [ProblemDetails.Violation] = []
        if members.count > countMax {
            faults.append(.init(pointer: "/labels", message: "has \(members.count) labels, at most \(countMax)"))
        }
        for (name, value) in members {
            let pointer = JSONPointer(["labels", name.string]).description
            if !isName(name.string) {
                let message = "a label's name is 1 to \(nameBytesMax) letters, digits, and . _ / - behind the first"
                faults.append(.init(pointer: pointer, message: message))
            }
            if value.string.map({ $0.utf8.count > valueBytesMax }) ?? true {
                faults.append(.init(pointer: pointer, message: "must be a string of at most \(valueBytesMax) bytes"))
            }
        }
        return (members, faults)
    }

    private static func isName(_ name: String) -> Bool {
        guard let first = name.utf8.first, isAlphanumeric(first), name.utf8.count <= nameBytesMax else { return false }
        return name.utf8.allSatisfy { isAlphanumeric($0) || "._/-".utf8.contains($0) }
    }

    private static func isAlphanumeric(_ byte: UInt8) -> Bool {
        UInt8(ascii: "0")...UInt8(ascii: "9") ~= byte || UInt8(ascii: "a")...UInt8(ascii: "z") ~= byte | 0x20
    }
}
