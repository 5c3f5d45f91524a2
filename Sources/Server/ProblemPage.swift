// A refusal that meets whoever opens the console in a browser, as a page: no script can say it there.

import HTTP

extension Request {
    /// A browser asks for a page that people look at.
    var isForPage: Bool {
        guard method == .get || method == .head else { return false }
        guard path.allSatisfy(\.isEmpty) || path == ["docs"] else { return false }
        return headers.values(of: "accept").contains { $0.contains("text/html") }
    }
}

extension Response {
    /// A refusal as a page of plain HTML, with the same words.
    var asPage: Response {
        guard let problem else { return self }
        let details = problem.details
        let title = HTMLText.escaped(details.title)
        let page = """
            <!doctype html>
            <html lang="en">
            <head>
            <meta charset="utf-8">
            <title>\(title)</title>
            <meta name="viewport" content="width=device-width, initial-scale=1">
            <meta name="color-scheme" content="light dark">
            </head>
            <body>
            <main>
            <h1>\(title)</h1>
            <p>\(HTMLText.escaped(details.detail))</p>
            <p><small>Millrace: <code>\(HTMLText.escaped(details.code))</code></small></p>
            </main>
            </body>
            </html>

            """
        var headers = problem.headers
        headers.add("Content-Type", "text/html; charset=utf-8")
        headers.add("Cache-Control", "no-store")
        return Response(status, headers, body: Array(page.utf8))
    }
}
