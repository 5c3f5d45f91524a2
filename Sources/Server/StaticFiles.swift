import Glibc
import Linux

/// The files of the program that are served as they are: those of the console, and the description of the API. They are read
/// at the start and at each reload, never for a request.
package struct StaticFiles: Sendable {
    /// A file of the console is small; whatever is larger was not put there by us.
    static let fileBytesMax = 4 << 20
    /// Of all files together.
    static let bytesMax = 32 << 20

    struct File: Sendable {
        let mediaType: String
        let bytes: [UInt8]
    }

    private(set) var console: [String: File] = [:]
    private(set) var openAPI: [UInt8]?
    /// The same as a page for people.
    private(set) var descriptionPage: [UInt8]?

    /// None at all.
    package init() {}

    /// Reads them; blocks. What is missing is not served.
    package init(consoleFolder: String, openAPIPath: String) {
        openAPI = try? SmallFile.read(openAPIPath, bytesMax: Self.fileBytesMax)
        descriptionPage = openAPI.flatMap { DescriptionPage.html(of: $0) }
        var total = 0
        for name in Self.names(in: consoleFolder) {
            guard let type = Self.mediaType(of: name),
                let bytes = try? SmallFile.read("\(consoleFolder)/\(name)", bytesMax: Self.fileBytesMax),
                total + bytes.count <= Self.bytesMax
            else { continue }
            total += bytes.count
            console[name] = File(mediaType: type, bytes: bytes)
        }
    }

    private static func names(in folder: String) -> [String] {
        guard let listing = opendir(folder) else { return [] }
        defer { closedir(listing) }
        var names: [String] = []
        while let entry = readdir(listing) {
            let name = withUnsafeBytes(of: entry.pointee.d_name) {
                String(decoding: $0.prefix { $0 != 0 }, as: UTF8.self)
            }
            if isPlain(name) { names.append(name) }
        }
        return names.sorted()
    }

    /// Letters, digits, `-`, `_` and single dots: never a path, nor hidden.
    private static func isPlain(_ name: String) -> Bool {
        name.wholeMatch(of: /[A-Za-z0-9_-]+(\.[A-Za-z0-9_-]+)*/) != nil
    }

    private static func mediaType(of name: String) -> String? {
        switch name.split(separator: ".").last {
        case "html": "text/html; charset=utf-8"
        case "js": "text/javascript; charset=utf-8"
        case "css": "text/css; charset=utf-8"
        case "svg": "image/svg+xml"
        default: nil
        }
    }
}
