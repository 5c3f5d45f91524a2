/// The form of the events on a stream.
package enum EventDialect: Sendable {
    case native
    /// That of the system which Millrace replaces, for the front ends that were written for it.
    case classic
}
