import Linux
import Reactor

/// All requests of the process, on the client's thread.
final class TransferLoop {
    let settings: ClientSettings
    let policy: AddressPolicy
    let names: NameTable
    /// Connections of requests to servers that an operator has chosen are not those of others, whose addresses are checked.
    private let checked: CurlMulti
    private let operators: CurlMulti
    private var exchanges: [UInt64: Exchange] = [:]

    init?(
        _ settings: ClientSettings, on reactor: Reactor, lane: @escaping NameTable.Lane,
        tell: @escaping @Sendable (String, NameTable.Answer) -> Void
    ) {
        guard let checked = CurlMulti(settings, on: reactor), let operators = CurlMulti(settings, on: reactor) else {
            return nil
        }
        self.settings = settings
        self.checked = checked
        self.operators = operators
        policy = AddressPolicy(denied: settings.deniedNetworks)
        names = NameTable(lane: lane, now: { [unowned reactor] in reactor.now() }, tell: tell)
    }

    func multi(for request: OutgoingRequest) -> CurlMulti { request.isOperators ? operators : checked }

    func begin(_ id: UInt64, _ request: OutgoingRequest, _ receiver: any TransferReceiver) {
        let exchange = Exchange(id, request, receiver, self)
        exchanges[id] = exchange
        exchange.begin()
    }

    /// One that has ended is left alone.
    func cancel(_ id: UInt64) { exchanges[id]?.cancel(.cancelled) }

    func cancelAll() {
        for exchange in Array(exchanges.values) { exchange.cancel(.stopped("the daemon is stopping")) }
    }

    func forget(_ exchange: Exchange) { exchanges[exchange.id] = nil }
}
