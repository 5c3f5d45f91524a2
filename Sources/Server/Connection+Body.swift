import HTTP

extension Connection {
    /// The body of the request that is being served is needed no more: it may be large, and the answer far away.
    func letBodyGo() { request?.letBodyGo() }
}
