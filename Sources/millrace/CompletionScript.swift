import ArgumentParser

/// The script by which a shell completes the commands, as the argument parser makes it, and one thing more: where a graph is
/// wanted, and so a custom completion gives ids, the shell offers documents too. It does that itself, as only it knows how to
/// go down into folders and to quote.
enum CompletionScript {
    static let option = "--generate-completion-script"
    /// The arguments that take a document or an id, as scripts ask for their completion.
    private static let calls = ["run -- positional@0", "graph render -- positional@0"]
    private static let extensions = ["yaml", "yml", "json"]

    /// - Parameter script: for whichever shell; the others' forms do not occur in it.
    static func offeringDocuments(_ script: String) -> String {
        // Where fish asks for completions by `complete -C`, it has no cursor to tell of; the word's length says as much.
        var result = script.replacing("(__millrace_tokens -tC)", with: "(string length -- \"$(commandline -t)\")")
        for call in calls {
            let question = "---completion \(call)"
            let bash = "__millrace_add_completions -W \"$(__millrace_custom_complete \(question)"
            let files = "__millrace_add_completions -o plusdirs -fX '!*.@(\(extensions.joined(separator: "|")))'"
            result.replace(bash, with: "\(files); \(bash)")
            let zsh = "{__millrace_custom_complete \(question)"
            let patterns = extensions.map { "*.\($0)" }.joined(separator: " ")
            result.replace(zsh, with: "{_files -g '\\''\(patterns)'\\''; \(zsh.dropFirst())")
            result.replace(
                "-fka '(__millrace_custom_completion \(question)",
                with: "-Fka '(__millrace_custom_completion \(question)")
        }
        return result
    }
}
