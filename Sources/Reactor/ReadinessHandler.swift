import Linux

/// What a reactor calls, always on its thread.
package protocol ReadinessHandler: AnyObject {
    /// The descriptor is ready. Edge-triggered: read or write until `wouldBlock`, or remember that more may be there
    /// and go on in `flush`.
    func ready(_ readiness: Readiness)
    /// Asked for by `Reactor.needsFlush`: once in the turn, after all events of the turn are known.
    func flush()
    /// Asked for by `Reactor.reapAtEndOfTurn`: the place to deregister and close.
    func reap()
}

extension ReadinessHandler {
    package func flush() {}
    package func reap() {}
}
