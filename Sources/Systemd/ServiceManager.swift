import CSystemd
import Glibc
import Linux

/// The service manager that has started the process, if one has: systemd, by its own library.
package enum ServiceManager {
    /// The listening sockets that the manager has opened for the service (sd_listen_fds(3)); empty without socket activation.
    /// Takes the variables of the protocol out of the environment, so that children do not see them.
    package static func takeListeningSockets() throws(SystemError) -> [InheritedSocket] {
        var names: UnsafeMutablePointer<UnsafeMutablePointer<CChar>?>?
        let count = sd_listen_fds_with_names(1, &names)
        guard count >= 0 else { throw SystemError(SystemError.Code(rawValue: -count), "sd_listen_fds_with_names") }
        var sockets: [InheritedSocket] = []
        for index in 0..<Int(count) {
            let name = names?[index].map { String(cString: $0) } ?? ""
            sockets.append(InheritedSocket(raw: SD_LISTEN_FDS_START + Int32(index), name: name))
            free(names?[index])
        }
        free(names)
        return sockets
    }

    /// Tells the manager how the service stands (sd_notify(3)); without a manager nothing happens.
    package static func notify(_ state: State, status: String? = nil) {
        var lines = state.lines
        if let status { lines.append("STATUS=\(status.filter { !$0.isNewline })") }
        _ = sd_notify(0, lines.joined(separator: "\n"))
    }

    package enum State: Sendable {
        case ready, stopping

        fileprivate var lines: [String] {
            switch self {
            case .ready: ["READY=1"]
            case .stopping: ["STOPPING=1"]
            }
        }
    }
}

/// A descriptor that the service manager has handed over, with the name of its socket unit.
package struct InheritedSocket: Sendable {
    package let raw: Int32
    package let name: String
}
