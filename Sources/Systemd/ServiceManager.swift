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

    /// The path of a credential that the unit names (`LoadCredential=`, systemd.exec(5)); nil if there is none of that name in a
    /// folder that can be read.
    package static func credential(_ name: String) throws(SystemError) -> String? {
        guard let folder = getenv("CREDENTIALS_DIRECTORY").map({ String(cString: $0) }), !folder.isEmpty else {
            return nil
        }
        let path = "\(folder)/\(name)"
        if access(path, F_OK) == 0 { return path }
        let code = errno
        // A folder that is missing itself, or a link that leads nowhere, is no answer.
        var status = stat()
        guard code == ENOENT, access(folder, R_OK | X_OK) == 0, lstat(path, &status) != 0, errno == ENOENT else {
            throw SystemError(SystemError.Code(rawValue: code), path)
        }
        return nil
    }

    /// Whether a manager wants to be told how the service stands.
    package static var isListening: Bool { getenv("NOTIFY_SOCKET") != nil }

    /// How often at least the manager must hear `keepAlive` (sd_watchdog_enabled(3)); nil without a watchdog.
    package static var watchdogMilliseconds: Int64? {
        var microseconds: UInt64 = 0
        guard sd_watchdog_enabled(0, &microseconds) > 0 else { return nil }
        return max(2, Int64(clamping: microseconds / 1000))
    }

    /// Tells the manager how the service stands (sd_notify(3)); without a manager nothing happens.
    /// - Parameter status: one line for people.
    package static func notify(_ state: State? = nil, status: String? = nil) {
        var lines = state?.lines ?? []
        if let status { lines.append("STATUS=\(status.filter { !$0.isNewline })") }
        _ = sd_notify(0, lines.joined(separator: "\n"))
    }

    package enum State: Sendable {
        case ready, reloading, stopping
        /// The loop still turns.
        case keepAlive

        fileprivate var lines: [String] {
            switch self {
            case .ready: ["READY=1"]
            // The time tells a manager that asked for a reload from one that did not ask for this one.
            case .reloading: ["RELOADING=1", "MONOTONIC_USEC=\(SystemClock.monotonicNanoseconds() / 1000)"]
            case .stopping: ["STOPPING=1"]
            case .keepAlive: ["WATCHDOG=1"]
            }
        }
    }
}

/// A descriptor that the service manager has handed over, with the name of its socket unit. Several may share one.
package struct InheritedSocket: Sendable {
    package let raw: Int32
    /// `FileDescriptorName=` of the socket unit, by default the unit's own name; `unknown` where the manager gave none.
    package let name: String

    /// Whether the API is to be served on it: the name is `http`, or nobody chose one.
    package var isForHTTP: Bool {
        ["http", "unknown", ""].contains(name) || name.hasSuffix(".socket")
    }
}
