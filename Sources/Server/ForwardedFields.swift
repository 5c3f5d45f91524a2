import HTTP

/// The fields by which a request tells that somebody has passed it on, whatever that proxy calls itself.
enum ForwardedFields {
    private static let names = [
        "forwarded", "via", "x-real-ip", "x-client-ip", "x-cluster-client-ip", "x-original-forwarded-for",
        "true-client-ip",
        "cf-connecting-ip", "fly-client-ip", "fastly-client-ip",
    ]
    /// `-For`, `-Host`, `-Proto`, `-Prefix`, `-Port`, `-Server` and whatever else there may be.
    private static let prefix = "x-forwarded-"

    static func are(in headers: HeaderFields) -> Bool {
        names.contains { headers.contains($0) } || headers.containsName(beginningWith: prefix)
    }
}
