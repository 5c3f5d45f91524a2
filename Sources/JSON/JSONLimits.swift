import CSimdJSON

/// What a text may cost before it is looked at closely.
package struct JSONLimits: Sendable, Equatable {
    /// 16 MiB, the limit of a state: no longer text has a use here.
    package static let bytesMaxDefault = 16 * 1024 * 1024
    /// Far beyond what people and programs write, far below what a thread's stack bears.
    package static let depthMaxDefault = 128

    package static let `default` = JSONLimits()

    /// The length of a text in bytes, whitespace included.
    package let bytesMax: Int
    /// How many arrays and objects may be open at one place.
    package let depthMax: Int

    package init(bytesMax: Int = bytesMaxDefault, depthMax: Int = depthMaxDefault) {
        precondition(bytesMax >= 0)
        precondition((0...Int(csimdjson_depth_max)).contains(depthMax))
        self.bytesMax = bytesMax
        self.depthMax = depthMax
    }
}
