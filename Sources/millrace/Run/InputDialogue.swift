import Glibc
import JSON

/// Asks somebody at a terminal for what a graph needs to begin with, and was not given.
enum InputDialogue {
    /// A key is asked for so often until its value fits.
    private static let triesMax = 10

    /// Whether somebody can be asked: questions go to stderr, answers come on stdin.
    static var isPossible: Bool { isatty(STDIN_FILENO) == 1 && isatty(STDERR_FILENO) == 1 }

    /// The state with what was answered. Where nobody answers (Control-D) it stays as it is, and the start says what is missing.
    /// - Parameter readLine: the next answer without its end; nil at the end.
    static func complete(
        _ state: JSONObject, _ questions: InputQuestions, readLine: () -> String? = { Swift.readLine() },
        say: (String) -> Void = Terminal.ask
    ) -> JSONObject {
        var state = state
        for question in questions.open(over: state) {
            guard let value = answer(to: question, questions, state, readLine, say) else { break }
            state[JSONKey(question.key)] = value
        }
        return state
    }

    private static func answer(
        to question: InputQuestion, _ questions: InputQuestions, _ state: JSONObject, _ readLine: () -> String?,
        _ say: (String) -> Void
    ) -> JSONText? {
        for _ in 0..<triesMax {
            say(question.text)
            guard let line = readLine() else {
                say("\n")
                return nil
            }
            var tried = state
            tried[JSONKey(question.key)] = question.value(of: line)
            guard let value = tried[JSONKey(question.key)], value != state[JSONKey(question.key)] else {
                say(line.isEmpty ? "It is needed.\n" : "This is none of what it can be.\n")
                continue
            }
            guard let fault = questions.fault(of: question.key, in: tried) else { return value }
            say(TerminalText.line("It \(fault).") + "\n")
        }
        return nil
    }
}
