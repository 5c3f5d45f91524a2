import JSON
import Linux

/// How an execution is shown while it is followed.
protocol RunView: AnyObject {
    /// How long to wait for an event before `refresh` is called.
    var waitMilliseconds: Int { get }

    /// Takes an event that is in the model already.
    func show(_ event: JSONText, _ model: RunViewModel) throws(OutputFailure)

    /// Called after each wait.
    /// - Parameter notice: what is to be known beside the events.
    func refresh(_ model: RunViewModel, notice: String?) throws(OutputFailure)

    /// Called once at the end, however it ends.
    func finish(_ model: RunViewModel) throws(OutputFailure)
}

/// The events as they came, a line of JSON each.
final class RunViewJSON: RunView {
    let waitMilliseconds = 60_000
    private let isForTerminal: Bool

    init(isForTerminal: Bool) {
        self.isForTerminal = isForTerminal
    }

    func show(_ event: JSONText, _ model: RunViewModel) throws(OutputFailure) {
        try Terminal.print(ReadableText.json(event.description, forTerminal: isForTerminal))
    }

    func refresh(_ model: RunViewModel, notice: String?) {}
    func finish(_ model: RunViewModel) {}
}

/// A plain line for each event; why nodes failed is told on stderr at the end.
final class RunViewPlain: RunView {
    let waitMilliseconds = 1_000
    private var lastNotice: String?

    func show(_ event: JSONText, _ model: RunViewModel) throws(OutputFailure) {
        try Terminal.print(RunViewLines.line(event, model))
    }

    func refresh(_ model: RunViewModel, notice: String?) {
        if let notice, notice != lastNotice { Terminal.complain("millrace: \(TerminalText.line(notice))") }
        lastNotice = notice
    }

    func finish(_ model: RunViewModel) {
        guard model.ending != nil else { return }
        for line in RunViewSummary(model: model).failures { Terminal.complain(line.rendered(usesColor: false)) }
    }
}

/// A picture that is drawn over itself ten times a second while something runs.
final class RunViewLive: RunView {
    let waitMilliseconds = 100
    private let usesColor: Bool
    private let clock: ViewClock
    private var drawnRows = 0
    private var tick = 0
    private var drawnAtNanoseconds: Int64 = 0

    init(usesColor: Bool, clock: ViewClock) throws(OutputFailure) {
        self.usesColor = usesColor
        self.clock = clock
        try Terminal.write(Self.begin)
    }

    /// Hides the cursor and switches the wrapping of lines off (DECTCEM, DECAWM).
    private static let begin = "\u{1B}[?25l\u{1B}[?7l"
    private static let end = "\u{1B}[?7h\u{1B}[?25h"

    func show(_ event: JSONText, _ model: RunViewModel) throws(OutputFailure) {
        // Events may come far faster than anybody can look.
        if SystemClock.monotonicNanoseconds() - drawnAtNanoseconds >= Int64(waitMilliseconds) * 1_000_000 {
            try draw(model, notice: nil)
        }
    }

    func refresh(_ model: RunViewModel, notice: String?) throws(OutputFailure) { try draw(model, notice: notice) }

    func finish(_ model: RunViewModel) throws(OutputFailure) {
        try draw(model, notice: nil)
        let columns = Terminal.size.columns
        let summary = RunViewSummary(model: model)
        let lines = summary.lines.map { $0.rendered(columns: columns, usesColor: usesColor) + "\n" }
        try Terminal.write(Self.end + lines.joined())
    }

    private func draw(_ model: RunViewModel, notice: String?) throws(OutputFailure) {
        let size = Terminal.size
        let now = model.now(wallMicroseconds: clock.now)
        let frame = RunViewFrame(model: model, size: size, nowMicroseconds: now, tick: tick, notice: notice)
        let lines = frame.lines.map { $0.rendered(columns: size.columns, usesColor: usesColor) }
        try Terminal.write(Self.redraw(lines, over: drawnRows))
        drawnRows = lines.count
        tick += 1
        drawnAtNanoseconds = SystemClock.monotonicNanoseconds()
    }

    /// The text that puts lines in the place of those that were drawn before: up, each line over the old one, and the
    /// rest erased (CUU, EL, ED).
    static func redraw(_ lines: [String], over drawnRows: Int) -> String {
        let up = drawnRows > 0 ? "\u{1B}[\(drawnRows)A" : ""
        return up + "\r" + lines.map { "\($0)\u{1B}[K\n" }.joined() + "\u{1B}[J"
    }
}
