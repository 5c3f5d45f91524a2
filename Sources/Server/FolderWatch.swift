// Which documents and graphs of the graphs folder may have changed since they were last looked at. inotify(7) tells it, so
// that a start of an execution costs one system call and no look at any file. Folders are watched, not files: editors replace
// files, and what is not there yet can be waited for only where it will appear.

import Graphs
import Linux
import Synchronization

package final class FolderWatch: Sendable {
    /// What is looked at anew.
    package enum Source: Hashable, Sendable {
        /// A document, by the name of its file.
        case document(String)
        /// The code of a graph.
        case graph(String)
        /// A Python file that may make a graph, by its path; "" stands for all of them.
        case python(String)
    }

    package struct Changes: Sendable, Equatable {
        package var documents: Set<String> = []
        package var graphs: Set<String> = []
        /// Whether it concerns Python files that may make graphs.
        package var isPython = false
        package var isEverything = false

        package static let everything = Changes(isEverything: true)
        package static let python = Changes(isPython: true)

        package var isEmpty: Bool { !isEverything && !isPython && documents.isEmpty && graphs.isEmpty }

        mutating func add(_ source: Source) {
            switch source {
            case .document(let name): documents.insert(name)
            case .graph(let id): graphs.insert(id)
            case .python: isPython = true
            }
        }

        func subtracting(_ other: Changes) -> Changes {
            Changes(
                documents: documents.subtracting(other.documents), graphs: graphs.subtracting(other.graphs),
                isPython: isPython && !other.isPython, isEverything: isEverything)
        }

        mutating func formUnion(_ other: Changes) {
            documents.formUnion(other.documents)
            graphs.formUnion(other.graphs)
            isPython = isPython || other.isPython
            isEverything = isEverything || other.isEverything
        }
    }

    /// What a source was made of, and what it waits for.
    struct Dependencies {
        var trail: FolderSnapshot.Trail
        /// Paths below the folder of modules that were not there, without their endings.
        var absentModules: Set<String> = []
    }

    /// Of one daemon; the user has some ten thousand (fs.inotify.max_user_watches). What lies in further folders is looked at
    /// at each start.
    private static let watchesMax = 4_096
    /// Events that are kept while a look is under way, as it will tell whether they matter.
    private static let heldEventsMax = 4_096

    private struct Guarded {
        /// Watch → name of an entry → who depends on it.
        var dependents: [Int32: [String: Set<Source>]] = [:]
        /// Watch → who comes to its files through links there: whatever entry comes or goes may be one of those.
        var throughLinks: [Int32: Set<Source>] = [:]
        /// Source → watch → the names there that it depends on.
        var watched: [Source: [Int32: Set<String>]] = [:]
        /// Those of which not everything is watched.
        var unwatched: Set<Source> = []
        /// Folders in which a new Python file may make a graph.
        var pythonFolders: Set<Int32> = []
        var changes = Changes()
        var topWatch: Int32?
        var isAbsent = false
        /// Events that nobody depended on, since the look began that is under way.
        var held: [Inotify.Event]?
    }

    package let folder: String
    /// Nil where the kernel tells nothing: everything is looked at at each start.
    private let inotify: WatchDescriptor?
    private let guarded = Mutex(Guarded())

    package init(folder: String) {
        self.folder = folder
        inotify = FileSystem.isRemote(folder) ? nil : try? WatchDescriptor()
        guarded.withLock { $0.changes = .everything }
        watchTop()
    }

    /// Whether changes of the folder are told.
    package var isWatching: Bool { inotify != nil && guarded.withLock { $0.topWatch != nil } }

    /// What has to be looked at before a graph can start. Of one thread at a time.
    package func changes(before graph: String) -> Changes {
        take(inotify?.read() ?? .none)
        return guarded.withLock { guarded in
            var changes = guarded.changes
            // When the folder is there again, nothing in it is known.
            if guarded.isAbsent { changes.isEverything = true }
            if guarded.unwatched.contains(.graph(graph)) { changes.graphs.insert(graph) }
            return changes
        }
    }

    /// A graph's code is not what was looked at last.
    package func mark(graph: String) {
        guarded.withLock { _ = $0.changes.graphs.insert(graph) }
    }

    /// From now on these changes are being looked at; later ones are marked anew.
    package func beginLook(at changes: Changes) {
        if guarded.withLock({ $0.topWatch == nil }) { watchTop() }
        guarded.withLock { guarded in
            guarded.changes = changes.isEverything ? Changes() : guarded.changes.subtracting(changes)
            guarded.held = []
        }
    }

    /// The look is over; what has happened meanwhile is judged by what it has found.
    package func endLook() {
        let unused = guarded.withLock { guarded in
            let held = guarded.held ?? []
            guarded.held = nil
            for event in held { Self.mark(event, &guarded) }
            let used = Set(guarded.watched.values.flatMap(\.keys)).union(guarded.pythonFolders)
            let unused = guarded.dependents.keys.filter { $0 != guarded.topWatch && !used.contains($0) }
            for watch in unused { guarded.dependents[watch] = nil }
            return unused
        }
        for watch in unused { inotify?.unwatch(watch) }
    }
}

extension FolderWatch {
    /// Watches for what a source depends on, in place of what it depended on before.
    /// - Returns: whether a folder is watched now that was not before: what was read in it may have changed since.
    func follow(_ source: Source, _ dependencies: Dependencies) -> Bool {
        guard inotify != nil else { return false }
        var names: [String: Set<String>] = [:]
        for path in dependencies.trail.paths { Self.add(path, to: &names) }
        for path in dependencies.absentModules {
            Self.add(path, to: &names)
            Self.add(path + ".py", to: &names)
        }
        for folder in dependencies.trail.folders.keys { names[folder, default: []] = names[folder] ?? [] }
        var entries: [(folder: String, names: Set<String>)] = names.map { entry in
            (entry.key.isEmpty ? folder : "\(folder)/\(entry.key)", entry.value)
        }
        for path in dependencies.trail.linkedPaths {
            guard let slash = path.lastIndex(of: "/") else { continue }
            entries.append((String(path[..<slash]), [String(path[path.index(after: slash)...])]))
        }
        forget(source)
        var isNew = false
        var isIncomplete = false
        for (folder, names) in entries {
            switch watch(folder) {
            case .watched(let watch, let isNewFolder):
                isNew = isNew || isNewFolder
                record(source, watch, names, isThroughLinks: !dependencies.trail.linkedPaths.isEmpty)
            case .absent: break
            case .refused: isIncomplete = true
            }
        }
        if isIncomplete { guarded.withLock { _ = $0.unwatched.insert(source) } }
        return isNew
    }

    /// Watches for Python files that come or go in these folders, in place of those that were named before.
    /// - Returns: whether a folder is watched now that was not before.
    func followPython(in folders: [String]) -> Bool {
        var watches: Set<Int32> = []
        var isNew = false
        var isIncomplete = inotify == nil
        for name in folders {
            switch watch(name.isEmpty ? folder : "\(folder)/\(name)") {
            case .watched(let watch, let isNewFolder):
                watches.insert(watch)
                isNew = isNew || isNewFolder
            case .absent: break
            case .refused: isIncomplete = true
            }
        }
        guarded.withLock { guarded in
            guarded.pythonFolders = watches
            if isIncomplete { guarded.unwatched.insert(.python("")) }
        }
        return isNew
    }

    /// A source is there no more.
    func forget(_ source: Source) {
        guarded.withLock { guarded in
            guarded.unwatched.remove(source)
            for (watch, names) in guarded.watched.removeValue(forKey: source) ?? [:] {
                guarded.throughLinks[watch]?.remove(source)
                for name in names {
                    guarded.dependents[watch]?[name]?.remove(source)
                    if guarded.dependents[watch]?[name]?.isEmpty == true { guarded.dependents[watch]?[name] = nil }
                }
            }
        }
    }

    /// Whether not everything that a source depends on is watched.
    func isUnwatched(_ source: Source) -> Bool { guarded.withLock { $0.unwatched.contains(source) } }

    /// A path and the folders above it, each as an entry of the one that holds it.
    private static func add(_ path: String, to names: inout [String: Set<String>]) {
        var path = path[...]
        while true {
            let slash = path.lastIndex(of: "/")
            let folder = slash.map { String(path[..<$0]) } ?? ""
            let name = String(slash.map { path[path.index(after: $0)...] } ?? path)
            guard names[folder, default: []].insert(name).inserted, let slash else { return }
            path = path[..<slash]
        }
    }

    private enum Watching {
        case watched(Int32, isNew: Bool)
        case absent
        case refused
    }

    private func watch(_ folder: String) -> Watching {
        guard let inotify else { return .refused }
        do throws(SystemError) {
            let watch = try inotify.watch(folder)
            let isNew = guarded.withLock { guarded -> Bool? in
                if guarded.topWatch == watch || guarded.dependents[watch] != nil { return false }
                guard guarded.dependents.count < Self.watchesMax else { return nil }
                guarded.dependents[watch] = [:]
                return true
            }
            guard let isNew else {
                inotify.unwatch(watch)
                return .refused
            }
            return .watched(watch, isNew: isNew)
        } catch {
            return error.code == .notFound || error.code == .notFolder ? .absent : .refused
        }
    }

    private func watchTop() {
        switch watch(folder) {
        case .watched(let watch, _):
            guarded.withLock { guarded in
                guarded.topWatch = watch
                guarded.isAbsent = false
            }
        case .absent: guarded.withLock { $0.isAbsent = true }
        case .refused: break
        }
    }

    private func record(_ source: Source, _ watch: Int32, _ names: Set<String>, isThroughLinks: Bool) {
        guarded.withLock { guarded in
            for name in names { guarded.dependents[watch, default: [:]][name, default: []].insert(source) }
            if isThroughLinks { guarded.throughLinks[watch, default: []].insert(source) }
            guarded.watched[source, default: [:]][watch, default: []].formUnion(names)
        }
    }

    private func take(_ reading: Inotify.Reading) {
        switch reading {
        case .none: break
        case .overflow: guarded.withLock { $0.changes.isEverything = true }
        case .events(let events):
            guarded.withLock { guarded in
                for event in events {
                    Self.mark(event, &guarded)
                    guard let held = guarded.held else { continue }
                    if held.count < Self.heldEventsMax {
                        guarded.held?.append(event)
                    } else {
                        guarded.changes.isEverything = true
                    }
                }
            }
        }
    }

    private static func mark(_ event: Inotify.Event, _ guarded: inout Guarded) {
        if event.isFolderGone {
            if event.watch == guarded.topWatch {
                guarded.topWatch = nil
                guarded.isAbsent = true
                guarded.changes.isEverything = true
            }
            let dependents = guarded.dependents.removeValue(forKey: event.watch) ?? [:]
            if guarded.pythonFolders.remove(event.watch) != nil { guarded.changes.isPython = true }
            for source in dependents.values.reduce(into: Set(), { $0.formUnion($1) }) { guarded.changes.add(source) }
            guarded.throughLinks[event.watch] = nil
            return
        }
        // Kubernetes swaps a mounted folder's content by one link of such a name.
        if event.name.hasPrefix("..") { guarded.changes.isEverything = true }
        for source in guarded.dependents[event.watch]?[event.name] ?? [] { guarded.changes.add(source) }
        if event.isEntryChange {
            for source in guarded.throughLinks[event.watch] ?? [] { guarded.changes.add(source) }
        }
        if guarded.pythonFolders.contains(event.watch) {
            if event.isFolder || PythonFiles.concerns(event.name) { guarded.changes.isPython = true }
        }
        if event.watch == guarded.topWatch, GraphFolder.format(of: event.name) != nil {
            guarded.changes.documents.insert(event.name)
        }
    }
}

/// A reference to what cannot be copied.
private final class WatchDescriptor: Sendable {
    private let inotify: Inotify

    init() throws(SystemError) {
        inotify = try Inotify()
    }

    func read() -> Inotify.Reading { inotify.read() }
    func watch(_ folder: String) throws(SystemError) -> Int32 { try inotify.watch(folder) }
    func unwatch(_ watch: Int32) { inotify.unwatch(watch) }
}
