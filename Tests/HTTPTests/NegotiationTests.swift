import HTTP
import Testing

struct NegotiationTests {
    @Test(
        arguments: [
            (nil, "application/json"), ("", "application/json"), ("*/*", "application/json"),
            ("application/yaml", "application/yaml"), ("application/json;q=0.5, application/yaml", "application/yaml"),
            ("application/*;q=0.1, application/yaml;q=0.2", "application/yaml"), ("text/html", nil),
            ("*/*, application/json;q=0", "application/yaml"), ("application/json;q=0", nil),
            ("APPLICATION/YAML", "application/yaml"), ("text/html, */*;q=0.1", "application/json"),
            ("application/json;q=0.001, application/yaml;q=0.002", "application/yaml"),
            ("application/yaml;q=1.1, application/json;q=0.1", "application/json"),
            ("garbage, application/yaml", "application/yaml"), ("application/yaml;x=\"a,b", nil),
            (",, application/yaml ,", "application/yaml"), ("application/json;charset=utf-8", nil),
        ] as [(String?, String?)])
    func `the offer that is liked best wins`(accept: String?, expected: String?) {
        var headers = HeaderFields()
        if let accept { headers.add("Accept", accept) }
        #expect(Accept(headers).preferred(among: [.json, .yaml])?.essence == expected)
    }

    @Test func `as many ranges are looked at as allowed`() {
        func prefers(after count: Int) -> MediaType? {
            let headers: HeaderFields = [
                "Accept": String(repeating: "text/html, ", count: count) + "application/yaml"
            ]
            return Accept(headers).preferred(among: [.yaml])
        }
        #expect(prefers(after: Accept.rangesMax - 1) == .yaml)
        #expect(prefers(after: Accept.rangesMax) == nil)
    }

    @Test func `a media type is taken apart`() throws {
        let type = try #require(MediaType(" Application/JSON ; Charset=\"utf\\-8\" ; x=1"))
        #expect(type.essence == "application/json")
        #expect(type["charset"] == "utf-8")
        #expect(type.description == "application/json; charset=utf-8; x=1")
        #expect(MediaType("a/b; c=\"d e\"")?.description == "a/b; c=\"d e\"")
    }

    @Test(arguments: ["", "json", "a/", "/b", "a/b c", "a/b; c", "a/b; c=", "a/b; c=\"d", "a/b, c/d", "a /b"])
    func `what is no media type is refused`(text: String) {
        #expect(MediaType(text) == nil)
    }

    @Test(arguments: [
        ("If-Match", "\"7\"", true, Preconditions.Outcome.proceed), ("If-Match", "\"8\"", true, .failed),
        ("If-Match", "W/\"7\"", true, .proceed), ("If-Match", "\"1\", \"7.yaml\"", true, .proceed),
        ("If-Match", "*", true, .proceed), ("If-Match", "*", false, .failed),
        ("If-None-Match", "*", false, .proceed), ("If-None-Match", "*", true, .failed),
        ("If-None-Match", "W/\"7\"", true, .failed), ("If-None-Match", "\"6\",,\"8\"", true, .proceed),
    ])
    func `a write proceeds as its conditions say`(
        name: String, value: String, exists: Bool, outcome: Preconditions.Outcome
    ) throws {
        let current = exists ? [EntityTag("7"), EntityTag("7.yaml")] : []
        let preconditions = try Preconditions([name: value])
        #expect(preconditions.evaluate(current: current, isRead: false) == outcome)
    }

    @Test func `a read of what the client has is not modified`() throws {
        let preconditions = try Preconditions(["If-None-Match": "\"7\""])
        #expect(preconditions.evaluate(current: [EntityTag("7")], isRead: true) == .notModified)
    }

    @Test(arguments: ["7", "\"7", "\"7\" \"8\"", "w/\"7\"", "*, \"7\"", "", "W \"7\"", "\"a b\""])
    func `a broken condition is refused, not ignored`(value: String) {
        #expect(throws: RequestFault.self) { try Preconditions(["If-Match": value]) }
    }

    @Test func `a condition may list 100 tags`() throws {
        func value(_ count: Int) -> String { String(repeating: "\"7\",", count: count) }
        #expect(try Preconditions(["If-Match": value(100)]).ifMatch != nil)
        #expect(throws: RequestFault.self) { try Preconditions(["If-Match": value(101)]) }
    }

    @Test(arguments: [
        ("respond-async", true), ("Respond-Async, wait=10", true), ("wait=10; x=\"y, z\", respond-async", true),
        ("return=minimal", false), ("x=\"respond-async\"", false), ("respond-async-not", false), ("", false),
        ("=, respond-async", true),
    ])
    func `respond-async is found among other preferences`(value: String, expected: Bool) {
        #expect(Preferences(["Prefer": value]).respondsAsync == expected)
    }

    @Test func `a preference has its value, and the first one counts`() {
        let preferences = Preferences(["Prefer": "wait=10", "prefer": "wait=20, return=\"minimal\""])
        #expect(preferences["wait"] == "10")
        #expect(preferences["return"] == "minimal")
        #expect(preferences["other"] == nil)
    }

    @Test(
        arguments: [
            ("wait=10", 10), ("respond-async, wait=0", 0), ("wait=99999999999", 1_000_000), ("wait=\"5\"", 5),
            ("wait", nil), ("wait=-1", nil), ("wait=1.5", nil), ("wait=x", nil), ("respond-async", nil),
        ] as [(String, Int?)])
    func `a client waits for whole seconds`(field: String, seconds: Int?) {
        #expect(Preferences(["Prefer": field]).waitSeconds == seconds)
    }

    @Test func `what was applied is said as it was asked`() {
        #expect(Preferences(["Prefer": "wait=3, respond-async"]).applied == "wait=3")
        #expect(Preferences(["Prefer": "respond-async"]).applied == "respond-async")
        #expect(Preferences(["Prefer": "return=minimal"]).applied == nil)
    }

    @Test(arguments: ["W/\"7\"", "\"7-gzip\"", "W/\"7-br\"", "\"7-x-gzip\"", "\"7.yaml-zstd\""])
    func `a tag that a proxy has dressed is the same`(tag: String) throws {
        let current = [EntityTag("7"), EntityTag("7.yaml")]
        #expect(try Preconditions(["If-Match": tag]).evaluate(current: current, isRead: false) == .proceed)
        #expect(try Preconditions(["If-None-Match": tag]).evaluate(current: current, isRead: true) == .notModified)
        #expect(try Preconditions(["If-Match": tag]).evaluate(current: [EntityTag("70")], isRead: false) == .failed)
    }

    @Test(arguments: ["\"7-\"", "\"7-1\"", "\"7gzip\"", "\"7.yam\"", "\"-gzip\""])
    func `other tags are others`(tag: String) throws {
        let current = [EntityTag("7"), EntityTag("7.yaml")]
        #expect(try Preconditions(["If-Match": tag]).evaluate(current: current, isRead: false) == .failed)
    }

    @Test func `32 preferences are looked at`() {
        func prefer(_ count: Int) -> Preferences {
            Preferences(["Prefer": (1..<count).map { "p\($0), " }.joined() + "respond-async"])
        }
        #expect(prefer(32).respondsAsync)
        #expect(!prefer(33).respondsAsync)
    }

    @Test(
        arguments: [
            ("0", 0), ("17", 17), ("18446744073709551615", UInt64.max), ("007", nil), ("-1", nil), ("", nil),
            ("1e3", nil),
            ("18446744073709551616", nil), (" 1", nil),
        ] as [(String, UInt64?)])
    func `an event id is a plain decimal`(text: String, expected: UInt64?) {
        #expect(LastEventID.sequence(text) == expected)
    }

    @Test func `a problem is JSON with its code`() {
        var problem = ProblemDetails(404, code: "graph_not_found", detail: "Create \"x\"\n\u{01}\\ first.")
        #expect(
            String(decoding: problem.json, as: UTF8.self)
                == #"{"type":"about:blank","title":"Not Found","status":404,"detail":"Create \"x\"\n\u0001\\ first.","code":"graph_not_found"}"#
        )
        problem.errors = [.init(pointer: "/nodes/0", message: "é"), .init(pointer: "", message: "")]
        let json = String(decoding: problem.json, as: UTF8.self)
        #expect(
            json.hasSuffix(
                #","errors":[{"pointer":"/nodes/0","message":"é"},{"pointer":"","message":""}]}"#))
    }

    @Test func `a fault is a problem`() {
        let problem = ProblemDetails(RequestFault.headerTimeout)
        #expect(problem.status == 408 && problem.code == "header_timeout" && problem.title == "Request Timeout")
    }
}
