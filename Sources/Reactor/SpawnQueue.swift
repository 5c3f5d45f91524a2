/// Children that wait for their start. To fork and exec takes milliseconds, so the reactor starts few in one turn, in a phase of
/// their own, and whoever has launched hundreds at once holds up nobody else.
package protocol SpawnQueue: AnyObject {
    var isEmpty: Bool { get }
    /// Starts the one whose turn it is; there is one.
    func startNext()
}
