import HTTP

/// All that a parser made of one connection's bytes.
package struct RequestOutcome: Equatable {
    package var requests: [Request] = []
    package private(set) var continues = 0
    package private(set) var fault: RequestFault?
    /// The request read last did not want the connection kept, so that nothing behind it was read.
    package private(set) var isClosed = false
    package private(set) var phase = RequestParser.Phase.betweenRequests

    /// Parses `pieces` as one connection, as the daemon does: until a fault or a request that does not keep it alive.
    package static func parsing(
        _ pieces: some Sequence<UnsafeRawBufferPointer>, limits: RequestLimits = RequestLimits()
    ) -> RequestOutcome {
        var parser = RequestParser(limits: limits)
        var outcome = RequestOutcome()
        for piece in pieces where outcome.fault == nil && !outcome.isClosed {
            outcome.feed(piece, to: &parser)
        }
        outcome.phase = parser.phase
        return outcome
    }

    package static func parsing(_ bytes: [UInt8], limits: RequestLimits = RequestLimits()) -> RequestOutcome {
        bytes.withUnsafeBytes { parsing([$0], limits: limits) }
    }

    /// In two pieces.
    package static func parsing(
        _ bytes: [UInt8], splitAt index: Int, limits: RequestLimits = RequestLimits()
    ) -> RequestOutcome {
        bytes.withUnsafeBytes { bytes in
            parsing(
                [
                    UnsafeRawBufferPointer(rebasing: bytes[..<index]),
                    UnsafeRawBufferPointer(rebasing: bytes[index...]),
                ], limits: limits)
        }
    }

    /// In pieces of `count` bytes.
    package static func parsing(
        _ bytes: [UInt8], inPiecesOf count: Int, limits: RequestLimits = RequestLimits()
    ) -> RequestOutcome {
        bytes.withUnsafeBytes { bytes in
            parsing(
                stride(from: 0, to: bytes.count, by: count).lazy.map {
                    UnsafeRawBufferPointer(rebasing: bytes[$0..<min($0 + count, bytes.count)])
                }, limits: limits)
        }
    }

    private mutating func feed(_ piece: UnsafeRawBufferPointer, to parser: inout RequestParser) {
        var offset = 0
        while offset < piece.count {
            let rest = UnsafeRawBufferPointer(rebasing: piece[offset...])
            let (step, consumed) = parser.consume(rest)
            precondition(0...rest.count ~= consumed, "consumed bytes that were not there")
            offset += consumed
            switch step {
            case .needsMore: precondition(consumed == rest.count, "left bytes while waiting for more")
            case .expectsContinue: continues += 1
            case .request(let request):
                requests.append(request)
                if !request.keepsAlive {
                    isClosed = true
                    return
                }
            case .fault(let fault):
                self.fault = fault
                return
            }
        }
    }
}
