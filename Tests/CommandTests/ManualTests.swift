import Config
import Testing

@testable import millrace

@Suite struct `The manual` {
    private let pages = Dictionary(uniqueKeysWithValues: ManualPage.all.map { ($0.fileName, $0.text) })

    @Test(arguments: [
        "millrace.1", "millrace-serve.1", "millrace-graph-put.1", "millrace-graph.5", "millrace.yaml.5",
        "millrace-worker.7",
    ])
    func `has a page for each command, one for the configuration and one for workers`(_ name: String) throws {
        let page = try #require(pages[name])
        #expect(page.hasPrefix(".TH ") && page.contains("\n.SH NAME\n") && page.contains("\n.SH DESCRIPTION\n"))
    }

    @Test func `says of each command what it ends with and what it reads`() {
        for (name, page) in pages where name.hasSuffix(".1") {
            guard name == "millrace.1" || !page.contains("\n.SH COMMANDS\n") else { continue }
            for heading in ["EXIT STATUS", "ENVIRONMENT", "FILES"] {
                #expect(page.contains("\n.SH \(heading)\n"), "\(name)")
            }
        }
        #expect(pages["millrace-watch.1"]?.contains("\\fBSSL_CERT_FILE, SSL_CERT_DIR\\fR") == true)
        #expect(pages["millrace-serve.1"]?.contains("\\fB78\\fR") == true)
    }

    @Test func `leaves hidden commands out`() {
        #expect(pages["millrace-manual.1"] == nil)
        #expect(pages["millrace-help.1"] == nil)
    }

    @Test func `names every option and every key`() throws {
        let serve = try #require(pages["millrace-serve.1"])
        for option in ["config", "listen", "state\\-dir", "graphs", "set"] {
            #expect(serve.contains("\\-\\-\(option)"))
        }
        let file = try #require(pages["millrace.yaml.5"])
        for key in ConfigurationKey.all { #expect(file.contains("\\fB\(key.name)\\fR")) }
    }

    @Test func `takes no word of its text for a request`() {
        var page = ManualPage("p", section: 1, abstract: "a - b")
        page.prose(".so /etc/passwd\n\n  'quoted \\n\n\nend")
        #expect(
            page.text.hasSuffix("\n\\&.so /etc/passwd\n.PP\n.PP\n.nf\n.RS 4\n\\&'quoted \\en\n.RE\n.fi\n.PP\nend\n"))
    }
}
