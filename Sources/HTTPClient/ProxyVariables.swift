/// The proxies that the environment names, as libcurl reads it: `http_proxy` in lower case only (a request's `Proxy` field is
/// `HTTP_PROXY` to a CGI program), the others in both.
package struct ProxyVariables: Sendable {
    private let http: String?
    private let https: String?
    private let exceptions: [String]

    package init(_ environment: [String: String]) {
        func value(_ names: String...) -> String? {
            names.lazy.compactMap { environment[$0] }.first { !$0.isEmpty }
        }
        http = value("http_proxy", "all_proxy", "ALL_PROXY")
        https = value("https_proxy", "HTTPS_PROXY", "all_proxy", "ALL_PROXY")
        exceptions = (value("no_proxy", "NO_PROXY") ?? "").split { ", ".contains($0) }.map { $0.lowercased() }
    }

    /// The proxy's address as it was written, or nil where the server is asked itself.
    func proxy(scheme: String, host: String) -> String? {
        let host = host.lowercased()
        let isExcepted = exceptions.contains { entry in
            let name = entry.hasPrefix(".") ? String(entry.dropFirst()) : entry
            return entry == "*" || host == name || host.hasSuffix("." + name)
        }
        return isExcepted ? nil : scheme == "https" ? https : http
    }
}
