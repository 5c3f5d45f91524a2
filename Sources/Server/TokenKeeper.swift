import Auth
import Executions
import HTTP
import Reactor

/// Changes the tokens and reads them anew, one change after the other: each is on the disk before the next begins.
final class TokenKeeper {
    private let own: TokenFile
    private let fixed: TokenFile?
    private var waiting: [() -> Void] = []
    private var isBusy = false
    private unowned let server: Server

    /// What a change makes of the list, and what is answered once that is kept.
    typealias Plan = (inout TokenList) throws(Problem) -> Response

    init(own: TokenFile, fixed: TokenFile?, server: Server) {
        self.own = own
        self.fixed = fixed
        self.server = server
    }

    /// Blocks: for the start, before the reactor runs.
    func load() throws(TokenFile.Failure) -> TokenRegistry {
        TokenRegistry(own: try own.read(), fixed: try fixed?.read() ?? TokenList())
    }

    func change(for call: Call, _ plan: @escaping Plan) {
        enqueue { [unowned self] in
            var list = server.gate.registry.own
            do throws(Problem) {
                // Another change that came first may have ended what let this one in.
                guard !server.gate.isStale(call.access) else { throw Gate.tokenRequired(.admin) }
                let response = try plan(&list)
                keep(list) { outcome in
                    do throws(TokenFile.Failure) {
                        try outcome.get()
                        call.respond(response)
                    } catch {
                        call.respond(Problem(503, "store_unavailable", error.description).response)
                    }
                }
            } catch {
                call.respond(error.response)
                next()
            }
        }
    }

    /// Reads both files again.
    /// - Parameter done: told why they could not be, in which case all stays as it was.
    func reload(_ done: @escaping (TokenFile.Failure?) -> Void) {
        enqueue { [unowned self] in
            let (own, fixed) = (own, fixed)
            offload({ () throws(TokenFile.Failure) in
                TokenRegistry(own: try own.read(), fixed: try fixed?.read() ?? TokenList())
            }) { [unowned self] outcome in
                do throws(TokenFile.Failure) {
                    try server.adopt(try outcome.get())
                    done(nil)
                } catch {
                    done(error)
                }
                next()
            }
        }
    }

    private func keep(_ list: TokenList, _ done: @escaping (Result<Void, TokenFile.Failure>) -> Void) {
        let own = own
        let registry = TokenRegistry(own: list, fixed: server.gate.registry.fixed)
        offload({ () throws(TokenFile.Failure) in
            try own.write(list)
            return registry
        }) { [unowned self] outcome in
            do throws(TokenFile.Failure) {
                try server.adopt(try outcome.get()) { done(.success(())) }
            } catch {
                done(.failure(error))
            }
            next()
        }
    }

    private func offload(
        _ work: @escaping @Sendable () throws(TokenFile.Failure) -> TokenRegistry,
        _ then: @escaping (Result<TokenRegistry, TokenFile.Failure>) -> Void
    ) {
        let mailbox = server.reactor.mailbox
        let confined = Confined(then, to: server.reactor)
        server.lanes.store.submit {
            let outcome = Result { () throws(TokenFile.Failure) in try work() }
            mailbox.post { reactor in confined.open(on: reactor)(outcome) }
        }
    }

    private func enqueue(_ work: @escaping () -> Void) {
        waiting.append(work)
        if !isBusy { next() }
    }

    private func next() {
        isBusy = !waiting.isEmpty
        if isBusy { waiting.removeFirst()() }
    }
}
