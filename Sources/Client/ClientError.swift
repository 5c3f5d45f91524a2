import HTTP

/// Why a request did not bring what was asked for. The description is for people and says what to do; it may hold text
/// of the server's, so it must be sanitized before it reaches a terminal.
package enum ClientError: Error, Sendable, Equatable {
    /// Nothing listens there.
    case unreachable([Attempt])
    /// What answers by TLS has shown no certificate for its name from an authority that is trusted here.
    case untrusted(address: String, reason: String)
    /// The daemon is at another address: a redirect says so, or only the other scheme is spoken there.
    case elsewhere(String, try: String)
    /// The server answered with an error.
    case refused(ProblemDetails)
    /// The connection broke before the answer was whole.
    case connectionLost(String)
    /// What came is not what a daemon says.
    case malformed(String)
    /// An answer or event is larger than anything that the daemon sends.
    case tooLarge(String, bytesMax: Int)
    case timedOut(milliseconds: Int)
    /// The interrupt descriptor became readable.
    case interrupted

    /// One address that was tried in vain.
    package struct Attempt: Sendable, Equatable {
        package let address: String
        package let reason: String

        package init(address: String, reason: String) {
            self.address = address
            self.reason = reason
        }
    }
}

extension ClientError: CustomStringConvertible {
    package var description: String {
        switch self {
        case .unreachable(let attempts):
            let tried = attempts.map { "\($0.address) (\($0.reason))" }.joined(separator: " or ")
            return "no daemon answers at \(tried); start it with: millrace serve"
        case .untrusted(let address, let reason):
            return "\(address) is not to be trusted, and nothing was sent: \(reason); "
                + "SSL_CERT_FILE=FILE names an authority of your own"
        case .elsewhere(let address, let other):
            return "the daemon does not answer at \(address) but, as it seems, at \(other): name that"
        case .refused(let problem):
            let violations = problem.errors.map { error in
                error.pointer.isEmpty ? "  \(error.message)" : "  \(error.pointer): \(error.message)"
            }
            return ([problem.detail] + violations).joined(separator: "\n")
        case .connectionLost(let what): return "the connection to the daemon broke: \(what)"
        case .malformed(let what): return "this is no answer of a daemon: \(what)"
        case .tooLarge(let what, let bytesMax): return "\(what) is larger than \(bytesMax) bytes, so it was not read on"
        case .timedOut(let milliseconds):
            return "the daemon did not answer within \(milliseconds / 1000) s; look at its log, or try again"
        case .interrupted: return "interrupted"
        }
    }
}
