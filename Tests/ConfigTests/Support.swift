import Foundation
import Testing

@testable import Config

/// An ordinary user's environment, so that a result does not depend on who runs the tests.
let home = ["HOME": "/home/m", "PATH": "/usr/bin"]

/// Loads a configuration from YAML text by way of a real file.
func load(
    yaml: String? = nil, environment: [String: String] = [:], flags: [String: ConfigValue] = [:]
) throws -> LoadedConfiguration {
    try withFile(yaml) { path in
        try ConfigurationLoader.load(
            file: path, environment: home.merging(environment) { $1 }, flags: flags, isRoot: false)
    }
}

/// The lines of the error that a configuration is refused with, with the path of the file replaced by `FILE`.
func faults(
    yaml: String? = nil, environment: [String: String] = [:], flags: [String: ConfigValue] = [:]
) throws -> [String] {
    try withFile(yaml) { path in
        let error = #expect(throws: ConfigurationError.self) {
            try ConfigurationLoader.load(
                file: path, environment: home.merging(environment) { $1 }, flags: flags, isRoot: false)
        }
        let lines = error?.description.split(separator: "\n") ?? []
        return lines.map { $0.replacingOccurrences(of: path ?? "FILE", with: "FILE") }
    }
}

private func withFile<Result>(_ yaml: String?, _ body: (String?) throws -> Result) throws -> Result {
    guard let yaml else { return try body(nil) }
    let file = FileManager.default.temporaryDirectory.appendingPathComponent("millrace-\(UUID().uuidString).yaml")
    try Data(yaml.utf8).write(to: file)
    defer { try? FileManager.default.removeItem(at: file) }
    return try body(file.path)
}

/// The text of `config/millrace.yaml`.
func shippedFile() throws -> String {
    let root = URL(fileURLWithPath: #filePath).deletingLastPathComponent().appendingPathComponent("../..").standardized
    return try String(contentsOf: root.appendingPathComponent("config/millrace.yaml"), encoding: .utf8)
}
