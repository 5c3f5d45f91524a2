import Client
import HTTP
import JSON

extension APIClient {
    /// The largest page that the API serves.
    private static let pageItemsMax = 500

    /// The items of a list, page after page, up to a limit.
    func pages(_ path: [String], query: [(name: String, value: String)] = [], limit: Int) throws(ClientError)
        -> [JSONText]
    {
        var items: [JSONText] = []
        var cursor: String?
        repeat {
            var query = query + [("limit", String(min(Self.pageItemsMax, limit - items.count)))]
            if let cursor { query.append(("cursor", cursor)) }
            let page = try call(ClientRequest(.get, path, query: query)).object()
            let found = page["items"]?.array ?? []
            items += found
            let next = page["next_cursor"]?.string
            // A page without items, or with the cursor that led to it, would be asked for again for ever.
            guard !found.isEmpty, next != cursor else { break }
            cursor = next
        } while cursor != nil && items.count < limit
        return Array(items.prefix(limit))
    }
}

extension ReadableText {
    /// A time of the API to the second, as `2025-01-31 12:00:00Z`; nothing for `null`.
    static func time(_ value: JSONText?) -> String {
        guard let text = value?.string else { return "" }
        return String(text.prefix(19)).replacing("T", with: " ") + "Z"
    }

    /// A duration of the API in milliseconds; nothing for `null`.
    static func duration(_ value: JSONText?) -> String {
        value?.double.map { duration(milliseconds: $0) } ?? ""
    }
}
