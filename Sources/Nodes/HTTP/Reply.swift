import Executions
import HTTP
import HTTPClient
import JSON
import Linux

/// A response of which all has come.
struct Reply: Sendable {
    let head: ReceivedHead
    let body: [UInt8]

    /// The fields by name; those that came several times are joined as RFC 9110, 5.3 has it.
    var fields: JSONObject {
        var values: [(name: String, value: String)] = []
        var places: [String: Int] = [:]
        for field in head.fields {
            if let place = places[field.name] {
                values[place].value += ", " + field.value
            } else {
                places[field.name] = values.count
                values.append((field.name, field.value))
            }
        }
        return JSONObject(values.map { (JSONKey($0.name), JSONText($0.value)) })
    }

    func update(_ config: HTTPConfig, nodeID: String) throws(NodeFailure) -> JSONObject {
        let into = config.into ?? .init(body: config.response == .none ? nil : JSONKey(nodeID))
        var update = JSONObject()
        if let key = into.body { update[key] = try value(config.response) }
        if let key = into.status { update[key] = JSONText(head.status) }
        if let key = into.headers { update[key] = JSONText(fields) }
        return update
    }

    private func value(_ response: HTTPConfig.Response) throws(NodeFailure) -> JSONText {
        switch response {
        case .none: return "null"
        case .base64: return JSONText(Base64.encoded(body))
        case .text: return JSONText(text)
        case .json: return try json()
        }
    }

    private func json() throws(NodeFailure) -> JSONText {
        let bytes = body.starts(with: Self.byteOrderMark) ? Array(body.dropFirst(3)) : body
        // What has no content, such as the answer 204, has no JSON either.
        guard !bytes.isEmpty else { return JSONText.null }
        do {
            return try JSONText(parsing: bytes)
        } catch {
            throw NodeFailure("the response is no JSON: \(error.message)", details: details)
        }
    }

    private static let byteOrderMark: [UInt8] = [0xEF, 0xBB, 0xBF]

    /// By the charset that the response names where that is Latin-1, else UTF-8; what is none is replaced.
    private var text: String {
        let type = head["content-type"]?.lowercased() ?? ""
        guard type.contains("charset=iso-8859-1") || type.contains("charset=latin1") else {
            return String(
                decoding: body.starts(with: Self.byteOrderMark) ? body.dropFirst(3) : body[...], as: UTF8.self)
        }
        var text = String.UnicodeScalarView()
        for byte in body { text.append(Unicode.Scalar(byte)) }
        return String(text)
    }

    // MARK: Refusals

    func refusal(of request: OutgoingRequest) -> NodeFailure {
        let reason = head.status < 1000 ? Status(head.status).reason : "Unknown"
        var failure = NodeFailure("\(request.place) answered \(head.status) \(reason)", details: details)
        failure.retryAfterMilliseconds = head["retry-after"].flatMap {
            RetryAfter.milliseconds($0, nowUnixSeconds: Int(SystemClock.wallMicroseconds() / 1_000_000))
        }
        return failure
    }

    private var details: JSONObject {
        let beginning = String(decoding: body.prefix(ReplyReceiver.refusalBytesMax), as: UTF8.self)
        return ["status": JSONText(head.status), "headers": JSONText(fields), "body": JSONText(beginning)]
    }
}

/// RFC 9110, 10.2.3.
enum RetryAfter {
    /// Seconds, or a date; nil where it is neither.
    static func milliseconds(_ value: String, nowUnixSeconds: Int) -> Int64? {
        if let seconds = Int64(value), seconds >= 0 { return seconds > Int64.max / 1000 ? nil : seconds * 1000 }
        return HTTPDate.unixSeconds(value).map { Int64(max($0 - nowUnixSeconds, 0)) * 1000 }
    }
}
