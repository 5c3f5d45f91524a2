import Foundation

/// The files of the repository that the rules look at: everything but what builds leave behind.
struct SourceTree {
    struct File {
        /// Relative to the root, such as `Sources/HTTP/Router.swift`.
        let path: String
        let bytes: Data

        var text: String? { String(data: bytes, encoding: .utf8) }
    }

    /// What `.gitignore` names; a test compares the two.
    static let ignored: Set<String> = [".build", ".swiftpm", "Package.resolved", "__pycache__", ".pytest_cache"]

    static let root = URL(fileURLWithPath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
        .deletingLastPathComponent()

    static let repository = SourceTree()

    let topLevel: [String]
    let files: [File]
    /// All Swift files but this target's own, whose samples break every rule on purpose.
    let swift: [SwiftFile]

    private init() {
        topLevel = Self.names(in: "").filter { $0 != ".git" }
        files = topLevel.flatMap(Self.files)
        swift = files.filter { $0.path.hasSuffix(".swift") && !$0.path.hasPrefix("Tests/TidyTests/") }.map {
            SwiftFile($0.path, $0.text ?? "")
        }
    }

    /// The Swift files of `Sources`.
    var sources: [SwiftFile] { swift.filter { $0.path.hasPrefix("Sources/") } }

    private static func names(in folder: String) -> [String] {
        let names = try? FileManager.default.contentsOfDirectory(atPath: root.appendingPathComponent(folder).path)
        return (names ?? []).filter { !ignored.contains($0) && !$0.hasSuffix(".pyc") }.sorted()
    }

    private static func files(under path: String) -> [File] {
        let url = root.appendingPathComponent(path)
        var isFolder: ObjCBool = false
        guard FileManager.default.fileExists(atPath: url.path, isDirectory: &isFolder) else { return [] }
        if isFolder.boolValue { return names(in: path).flatMap { files(under: "\(path)/\($0)") } }
        return (try? Data(contentsOf: url)).map { [File(path: path, bytes: $0)] } ?? []
    }
}

/// A Swift file, scanned once for all rules.
struct SwiftFile {
    let path: String
    let source: String
    let code: SwiftCode

    init(_ path: String, _ source: String) {
        self.path = path
        self.source = source
        code = SwiftCode(source)
    }

    /// The target of a file in `Sources`: the folder below it.
    var target: String { String(path.split(separator: "/").dropFirst().first ?? "") }
}
