import Testing

@testable import Config

@Suite struct `A reload` {
    @Test func `takes over what can change and names what cannot`() throws {
        var inForce = try load().configuration
        let new = try load(yaml: "log: { level: error }\nstream: { retry_ms: 500 }\nworkers: { threads: 2 }\n")
            .configuration
        let change = inForce.reload(from: new)
        #expect(
            change
                == ConfigurationChange(applied: ["stream.retry_ms", "log.level"], awaitingRestart: ["workers.threads"]))
        #expect(inForce.log.level == .error && inForce.stream.retryMilliseconds == 500 && inForce.workers.threads == 0)
    }

    @Test func `of the same configuration changes nothing`() throws {
        var inForce = try load(yaml: "log: { level: error }\n").configuration
        #expect(inForce.reload(from: inForce) == ConfigurationChange())
    }

    @Test func `is spoken of in the shipped file for each key that it applies`() {
        let applied = ConfigurationKey.all.filter(\.appliesOnReload)
        #expect(applied.count > 10)
        let sentences = Configuration.commentedFile.split { " \n#".contains($0) }.joined(separator: " ")
        #expect(sentences.ranges(of: "A reload applies it.").count == applied.count)
    }
}
