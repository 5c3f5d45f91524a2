import Linux

/// One request of somebody's, through its redirects.
final class Exchange: TransferDelegate {
    let id: UInt64
    private let receiver: any TransferReceiver
    private unowned let loop: TransferLoop
    private var request: OutgoingRequest
    private var url: URLReference?
    private var redirects = 0
    private var transfer: CurlTransfer?
    /// Where a response that is a redirect leads.
    private var location: (status: Int, reference: String)?
    private var unreadBytes = 0
    private var isOver = false

    init(_ id: UInt64, _ request: OutgoingRequest, _ receiver: any TransferReceiver, _ loop: TransferLoop) {
        self.id = id
        self.request = request
        self.receiver = receiver
        self.loop = loop
    }

    func begin() {
        do throws(TransferError) {
            try begin(at: try URLReference(request.url))
        } catch {
            end(error)
        }
    }

    func cancel(_ error: TransferError) {
        if let transfer { loop.multi(for: request).remove(transfer) }
        end(error)
    }

    private func begin(at url: URLReference) throws(TransferError) {
        self.url = url
        (location, unreadBytes) = (nil, 0)
        let proxy = loop.settings.proxies?.proxy(scheme: url.scheme, host: url.host)
        let reached =
            try proxy.map { text throws(TransferError) in
                try URLReference(text.contains("://") ? text : "http://" + text)
            } ?? url
        // What a proxy is asked for by its address is as forbidden as without one.
        if proxy != nil, !request.isOperators, let address = url.address, !loop.policy.allows(address) {
            throw .denied(address: address.host, host: url.host)
        }
        guard reached.address == nil else { return start(url, proxy, resolution: nil) }
        loop.names.look(up: reached.host) { [weak self] answer in
            guard let self, !isOver else { return }
            switch answer {
            case .failure(let failure): end(.nameNotFound(host: reached.host, reason: failure.reason))
            case .success(let addresses):
                let texts = addresses.map { if case .ipv6 = $0 { "[\($0.host)]" } else { $0.host } }
                guard !texts.isEmpty else { return end(.nameNotFound(host: reached.host, reason: "it has no address")) }
                start(url, proxy, resolution: "+\(reached.host):\(reached.port):" + texts.joined(separator: ","))
            }
        }
    }

    private func start(_ url: URLReference, _ proxy: String?, resolution: String?) {
        // A proxy is the operator's choice.
        let policy = request.isOperators || proxy != nil ? nil : loop.policy
        let route = CurlTransfer.Route(url: url, proxy: proxy, resolution: resolution, policy: policy)
        guard let transfer = CurlTransfer(request, route, loop.settings, self) else {
            return end(.stopped("libcurl cannot be used"))
        }
        self.transfer = transfer
        loop.multi(for: request).add(transfer)
    }

    // MARK: What comes

    func took(head: ReceivedHead) -> Bool {
        if [301, 302, 303, 307, 308].contains(head.status), let location = head["location"] {
            self.location = (head.status, location)
            return true
        }
        receiver.began(head)
        return true
    }

    func took(body: UnsafeRawBufferPointer) -> Bool {
        guard location != nil else { return receiver.took(body) }
        unreadBytes += body.count
        return unreadBytes <= ClientSettings.unreadBytesMax
    }

    func finished(_ error: TransferError?) {
        transfer = nil
        // Of a redirect the body does not matter.
        guard let location, error == nil || error == .refused else { return end(error) }
        do throws(TransferError) {
            try follow(location)
        } catch {
            end(error)
        }
    }

    private func follow(_ location: (status: Int, reference: String)) throws(TransferError) {
        guard let url else { return }
        redirects += 1
        guard redirects <= loop.settings.redirectsMax else {
            throw .tooManyRedirects(max: loop.settings.redirectsMax)
        }
        let next = try url.resolving(location.reference)
        let isSame = next.isSameServer(as: url)
        request = request.redirected(to: next.text, status: location.status, isSameServer: isSame)
        try begin(at: next)
    }

    private func end(_ error: TransferError?) {
        guard !isOver else { return }
        isOver = true
        loop.forget(self)
        receiver.ended(error)
    }
}
