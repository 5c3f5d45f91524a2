import Executions
import Reactor

/// Makes starts of executions wait for a look at what has changed in the graphs folder, where something has. One look is under
/// way at a time, on a lane; whoever comes meanwhile waits for the next one, and for no further one, however busily files are
/// written. Lives on the reactor's thread.
package final class FolderLook {
    private let reactor: Reactor
    private let catalog: GraphCatalog
    private let lanes: Lanes
    /// What is being looked at; nil while nothing is.
    private var looking: FolderWatch.Changes?
    /// Who waits, and for what.
    private typealias Waiter = (subject: Subject, proceed: () -> Void)
    private enum Subject {
        case graph(String)
        /// The graph that a Python file makes.
        case python(String)
    }
    /// Those that wait for the look that is under way.
    private var joined: [Waiter] = []
    /// Those that wait for the next one.
    private var waiting: [Waiter] = []
    /// Those that wait until it is known what a Python file makes.
    private var held: [Waiter] = []
    private var reports: [(Result<Int, StoreError>) -> Void] = []
    /// What the next look is to look at.
    private var wanted = FolderWatch.Changes()
    /// Takes what could not be loaded and why, a line each.
    package var refused: ([String]) -> Void = { _ in }

    init(reactor: Reactor, catalog: GraphCatalog, lanes: Lanes) {
        self.reactor = reactor
        self.catalog = catalog
        self.lanes = lanes
        let confined = Confined(Unowned(self), to: reactor)
        catalog.python?.tellNews { [mailbox = reactor.mailbox] in
            mailbox.post { reactor in confined.open(on: reactor).look?.pythonHasNews() }
        }
    }

    /// What Python files make has been seen: it is taken over, for those too who wait for it.
    private func pythonHasNews() {
        wanted.formUnion(.python)
        lookNext()
    }

    /// Has Python files looked at that may have changed, though nobody starts anything.
    func noticePython(_ changes: FolderWatch.Changes) {
        guard catalog.python != nil, changes.isPython || changes.isEverything else { return }
        // Documents wait for the next start.
        wanted.formUnion(.python)
        lookNext()
    }

    /// Calls `proceed` once the graph is as the folder says: at once where nothing of it has changed.
    func whenCurrent(_ id: String, _ proceed: @escaping () -> Void) {
        let changes = catalog.changes(before: id)
        if !changes.isEmpty { wanted.formUnion(changes) }
        if catalog.concerns(changes, id) {
            waiting.append((.graph(id), proceed))
        } else if let looking, catalog.concerns(looking, id) {
            joined.append((.graph(id), proceed))
        } else if catalog.isLookedAt(id) {
            held.append((.graph(id), proceed))
        } else {
            proceed()
        }
        lookNext()
    }

    /// Looks at everything, and calls `done` with how many documents are not in force, or why nothing could be looked at.
    package func everything(_ done: @escaping (Result<Int, StoreError>) -> Void) {
        wanted.formUnion(catalog.marks)
        reports.append(done)
        lookNext()
    }

    /// Calls `proceed` once it is known what a Python file makes as it stands now.
    func whenLoaded(_ name: String, _ proceed: @escaping () -> Void) {
        wanted.formUnion(catalog.marks)
        wanted.formUnion(.python)
        waiting.append((.python(name), proceed))
        lookNext()
    }

    private func isLookedAt(_ subject: Subject) -> Bool {
        switch subject {
        case .graph(let id): catalog.isLookedAt(id)
        case .python(let name): catalog.isLooking(atPython: name)
        }
    }

    private func lookNext() {
        guard looking == nil, !wanted.isEmpty || !reports.isEmpty else { return }
        looking = wanted
        // It takes over what has been seen until now, and tells whether that is what they wait for.
        waiting += held
        held = []
        let (marks, waiting, reports) = (wanted, self.waiting, self.reports)
        (self.waiting, self.reports) = ([], [])
        joined = waiting
        wanted = FolderWatch.Changes()
        let (catalog, mailbox) = (catalog, reactor.mailbox)
        let confined = Confined((self, reports), to: reactor)
        let isAsked = !reports.isEmpty
        // A start waits behind no large document, and for a whole look only where something of its graph was marked.
        (isAsked ? lanes.documents : lanes.computing).submit {
            let complaints = Result { () throws(StoreError) in
                try catalog.look(at: isAsked ? .everything : marks, marked: marks, repeating: isAsked)
            }
            mailbox.post { reactor in
                let (look, reports) = confined.open(on: reactor)
                look.finish(complaints, reports)
            }
        }
    }

    private func finish(
        _ complaints: Result<[String], StoreError>, _ reports: [(Result<Int, StoreError>) -> Void]
    ) {
        looking = nil
        let waited = joined
        joined = []
        switch complaints {
        case .success(let complaints): refused(complaints)
        case .failure(let error): refused(["\(error)"])
        }
        for report in reports { report(complaints.map(\.count)) }
        for waiter in waited {
            if isLookedAt(waiter.subject) { held.append(waiter) } else { waiter.proceed() }
        }
        lookNext()
    }
}

/// The look does not live longer for the news that it waits for.
private final class Unowned {
    weak var look: FolderLook?

    init(_ look: FolderLook) {
        self.look = look
    }
}

@available(*, unavailable)
extension FolderLook: Sendable {}
