/// Gives each Python file that makes a graph an id: its stem's, or with its folder's name before it where that is another's.
struct PythonIDs {
    /// Stands for whoever made a graph by the API.
    static let theAPI = "the API"

    struct Choice {
        /// Nil: there is none left.
        let id: String?
        /// A file that may have the first choice is still being looked at.
        let isAwaited: Bool
        /// Why it is not the first choice.
        let reason: String
    }

    /// Id → whose it is.
    private var taken: [String: String]
    /// The same of files that had it before.
    private let holders: [String: String]
    /// Id → a file that is being looked at.
    private var awaited: [String: String] = [:]

    /// - Parameters:
    ///   - taken: the ids that documents have.
    ///   - holders: those that files have had before, and graphs of the API.
    init(taken: [String: String], holders: [String: String]) {
        self.taken = taken
        self.holders = holders
    }

    func wanted(by source: PythonSource, in folder: String) -> Choice {
        guard let id = source.id else {
            return Choice(id: nil, isAwaited: false, reason: "nothing of its name can stand in an id")
        }
        guard let owner = owner(of: id, but: source) else {
            return Choice(id: id, isAwaited: awaited[id] != nil, reason: "")
        }
        let second = source.secondID(inFolder: folder)
        let reason = "the id `\(id)` is that of \(owner) already"
        guard let second, second != id else { return Choice(id: nil, isAwaited: false, reason: reason) }
        if let owner = self.owner(of: second, but: source) {
            return Choice(
                id: nil, isAwaited: false, reason: "\(reason), and `\(second)` that of \(owner)")
        }
        return Choice(id: second, isAwaited: awaited[second] != nil, reason: "\(reason), so its graph is `\(second)`")
    }

    /// It may turn out to make a graph: who comes after it waits for that.
    mutating func awaitLook(of source: PythonSource) {
        if let id = source.id, awaited[id] == nil { awaited[id] = source.name }
    }

    mutating func take(_ id: String, _ source: PythonSource) { taken[id] = source.name }

    private func owner(of id: String, but source: PythonSource) -> String? {
        if let owner = taken[id], owner != source.name { return owner }
        if let holder = holders[id], holder != source.name { return holder }
        return nil
    }
}
