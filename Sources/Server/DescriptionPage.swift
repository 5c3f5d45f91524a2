import JSON

/// The description of the API as a page for people: plain HTML that needs no script, made of `openapi.json` once it is read.
struct DescriptionPage {
    private let description: JSONText

    /// Nil if the text is no description.
    static func html(of text: [UInt8]) -> [UInt8]? {
        guard let description = try? JSONText(parsing: text), description["paths"]?.object != nil else { return nil }
        return Array(DescriptionPage(description: description).page.utf8)
    }

    private var page: String {
        let title = HTMLText.escaped(description["info"]?["title"]?.string ?? "") + " API"
        return """
            <!doctype html>
            <html lang="en">
            <head>
            <meta charset="utf-8">
            <title>\(title)</title>
            <meta name="viewport" content="width=device-width, initial-scale=1">
            <meta name="color-scheme" content="light dark">
            <link rel="icon" href="console/icon.svg" type="image/svg+xml">
            <link rel="stylesheet" href="console/theme.css">
            <link rel="stylesheet" href="console/docs.css">
            </head>
            <body>
            <header><h1>\(title)</h1>
            <p><a href="./">Console</a> <a href="openapi.json">openapi.json</a> <a href="schemas/graph.json">schemas/graph.json</a></p></header>
            <nav aria-label="Operations">\(contents)</nav>
            <main>
            \(HTMLText.prose(description["info"]?["description"]))
            \(tags.map(section).joined())
            \(schemas)
            </main>
            </body>
            </html>

            """
    }

    // MARK: Operations

    private struct Operation {
        let method: String
        let path: String
        let content: JSONText
        /// Those of the path and its own.
        let parameters: [JSONText]

        var id: String { HTMLText.escaped(content["operationId"]?.string ?? "") }
        var summary: String { HTMLText.inline(content["summary"]?.string ?? "") }
        var title: String {
            "<span class=\"method\">\(method.uppercased())</span> <code>\(HTMLText.escaped(path))</code>"
        }
    }

    private var tags: [JSONText] { description["tags"]?.array ?? [] }

    private func operations(of tag: String) -> [Operation] {
        var found: [Operation] = []
        for (path, item) in description["paths"]?.object ?? [:] {
            let common = item["parameters"]?.array ?? []
            for (method, content) in item.object ?? [:] where content["operationId"] != nil {
                guard content["tags"]?.array?.first?.string == tag else { continue }
                let parameters = common + (content["parameters"]?.array ?? [])
                found.append(
                    Operation(
                        method: method.string, path: path.string, content: content, parameters: parameters.map(resolved)
                    ))
            }
        }
        return found
    }

    private var contents: String {
        let tags = tags.map { tag in
            let name = tag["name"]?.string ?? ""
            let links = operations(of: name).map { operation in
                "<li><a href=\"#\(operation.id)\">\(operation.summary)</a></li>"
            }
            return "<h2>\(HTMLText.escaped(name))</h2><ul>\(links.joined())</ul>"
        }
        return tags.joined() + "<h2><a href=\"#schemas\">Schemas</a></h2>"
    }

    private func section(_ tag: JSONText) -> String {
        let name = tag["name"]?.string ?? ""
        return """
            <section><h2>\(HTMLText.escaped(name))</h2>\(HTMLText.prose(tag["description"]))
            \(operations(of: name).map(article).joined())</section>

            """
    }

    private func article(_ operation: Operation) -> String {
        var parts = ["<h3><a href=\"#\(operation.id)\">\(operation.title)</a></h3><p>\(operation.summary)</p>"]
        parts.append(HTMLText.prose(operation.content["description"]))
        if let scope = operation.content["security"]?.array?.first?["token"]?.array?.first?.string {
            parts.append(
                "<p class=\"needs\">Needs a token of scope <code>\(HTMLText.escaped(scope))</code>, where there are tokens.</p>"
            )
        }
        let rows = operation.parameters.map { parameter in
            member(
                parameter["name"]?.string ?? "", parameter["schema"], parameter["description"],
                note: "\(parameter["in"]?.string ?? "")\(parameter["required"]?.bool == true ? ", required" : "")")
        }
        if !rows.isEmpty { parts.append("<h4>Parameters</h4><dl>\(rows.joined())</dl>") }
        if let body = operation.content["requestBody"] {
            parts.append("<h4>Body</h4>\(HTMLText.prose(body["description"]))\(contents(of: body))")
        }
        for (status, answer) in operation.content["responses"]?.object ?? [:] where status != "default" {
            let target = resolved(answer)
            let words = HTMLText.inline((answer["description"] ?? target["description"])?.string ?? "")
            let more = status.string.hasPrefix("2") ? contents(of: target) : ""
            parts.append("<h4>\(HTMLText.escaped(status.string))</h4><p>\(words)</p>\(more)")
        }
        return "<article id=\"\(operation.id)\">\(parts.joined(separator: "\n"))</article>\n"
    }

    /// The media types of a body, with their schemas and examples.
    private func contents(of body: JSONText) -> String {
        (body["content"]?.object ?? [:]).map { type, content in
            let schema = content["schema"].map { ": \(self.type(of: $0))" } ?? ""
            let example = content["example"].map { "<pre><code>\(HTMLText.indented($0))</code></pre>" } ?? ""
            return
                "<details><summary><code>\(HTMLText.escaped(type.string))</code>\(schema)</summary>\(example)</details>"
        }.joined()
    }
}

// MARK: - Schemas

extension DescriptionPage {
    private var schemas: String {
        let all = (description["components"]?["schemas"]?.object ?? [:]).map { name, schema in
            let name = HTMLText.escaped(name.string)
            return
                "<article id=\"schema-\(name)\"><h3><a href=\"#schema-\(name)\">\(name)</a></h3>\(self.schema(schema))</article>\n"
        }
        return "<section id=\"schemas\"><h2>Schemas</h2>\(all.joined())</section>"
    }

    private func schema(_ schema: JSONText) -> String {
        let required = Set(schema["required"]?.array?.compactMap(\.string) ?? [])
        let members = (schema["properties"]?.object ?? [:]).map { name, value in
            member(name.string, value, value["description"], note: required.contains(name.string) ? "required" : "")
        }
        let list = members.isEmpty ? "<p>\(type(of: schema))</p>" : "<dl>\(members.joined())</dl>"
        return HTMLText.prose(schema["description"]) + list
    }

    private func member(_ name: String, _ schema: JSONText?, _ words: JSONText?, note: String) -> String {
        let type = schema.map { self.type(of: $0) } ?? ""
        let note = note.isEmpty ? "" : " <small>\(HTMLText.escaped(note))</small>"
        let inner = (schema?["properties"] ?? schema?["items"]?["properties"]) == nil ? nil : schema
        let parts = inner.map { self.schema($0["items"] ?? $0) } ?? ""
        return
            "<dt><code>\(HTMLText.escaped(name))</code> \(type)\(note)</dt><dd>\(HTMLText.prose(words))\(parts)</dd>\n"
    }

    /// A type in words, with links to the schemas that it names.
    private func type(of schema: JSONText) -> String {
        if let name = schema["$ref"]?.string?.split(separator: "/").last.map(String.init).map(HTMLText.escaped) {
            return "<a href=\"#schema-\(name)\">\(name)</a>"
        }
        for key in ["oneOf", "anyOf"] as [JSONKey] {
            if let branches = schema[key]?.array { return branches.map { type(of: $0) }.joined(separator: " or ") }
        }
        if let parts = schema["allOf"]?.array { return parts.map { type(of: $0) }.joined(separator: " with ") }
        if let items = schema["items"] { return "list of \(type(of: items))" }
        let values = schema["enum"]?.array ?? schema["const"].map { [$0] } ?? []
        if !values.isEmpty {
            return values.map { "<code>\(HTMLText.escaped($0.description))</code>" }.joined(separator: ", ")
        }
        let names = schema["type"]?.array?.compactMap(\.string) ?? [schema["type"]?.string ?? "any JSON"]
        return names.joined(separator: " or ")
    }

    /// What a reference names, or the value itself.
    private func resolved(_ value: JSONText) -> JSONText {
        guard let reference = value["$ref"]?.string, reference.hasPrefix("#"),
            let pointer = try? JSONPointer(parsing: String(reference.dropFirst()))
        else { return value }
        return description[pointer] ?? value
    }
}
