extension Connection {
    enum Phase {
        case reading
        /// A request is being served; `number` tells it from earlier ones.
        case handling
        case streaming
        /// Closes once what is to be sent is sent; `lingers` to let the peer read it.
        case closing(lingers: Bool)
        case lingering(bytesLeft: Int)
        case closed
    }

    var isClosed: Bool { if case .closed = phase { true } else { false } }

    /// Whether somebody waits for an answer or watches.
    var isInExchange: Bool {
        switch phase {
        case .handling, .streaming: true
        case .reading, .closing, .lingering, .closed: false
        }
    }
}
