import Executions
import Graphs
import JSON

/// One look at the Python files of the graphs folder: which there are, and what each of them is made of.
struct PythonFolderLook {
    let folder: String
    let files: PythonFiles
    private(set) var manifestFaults: [(manifest: String, faults: GraphFaults)] = []
    /// What is to be watched.
    private(set) var dependencies = FolderWatch.Dependencies(trail: FolderSnapshot.Trail())
    private var snapshots: [String: FolderSnapshot] = [:]

    init(below folder: String) {
        self.folder = folder
        files = PythonFiles(below: folder)
    }

    /// All that may make a graph: what a `langgraph.json` names, and the files that neither it nor a document names, those
    /// of the upper folders first.
    mutating func sources(named: Set<String>) -> [PythonSource] {
        var sources: [PythonSource] = []
        var named = named
        for manifest in files.manifests {
            dependencies.trail.paths.insert(manifest)
            do throws(GraphFaults) {
                let found = try PythonSource.sources(ofManifest: manifest, try content(of: manifest))
                named.formUnion(found.map { $0.folder.isEmpty ? $0.file : "\($0.folder)/\($0.file)" })
                sources += found
            } catch {
                manifestFaults.append((manifest, error))
            }
        }
        let alone = files.files.filter { !named.contains($0) }.map { PythonSource(file: $0) }
        return sources + alone.sorted { ($0.depth, $0.name) < ($1.depth, $1.name) }
    }

    private func content(of manifest: String) throws(GraphFaults) -> [UInt8] {
        do throws(GraphFileError) {
            return try FolderFiles(path: folder).read(manifest)
        } catch {
            throw GraphFaults(error.message)
        }
    }

    /// What is known of what a source makes, as its files stand now.
    mutating func knowledge(of source: PythonSource, _ python: PythonSights) -> PythonSights.Knowledge {
        let path = self.path(of: source)
        let program = python.looker.program(in: path)
        let installation = python.looker.installation(of: program)
        let snapshot = snapshot(of: source)
        defer { follow(source, snapshot) }
        do throws(GraphFileError) {
            _ = try PythonModule(source.file, in: snapshot)
        } catch {
            return .failed(error.message)
        }
        let order = PythonLookOrder(
            folder: path, file: source.file, graph: source.graph, program: program, project: source.project)
        return python.knowledge(of: source.name, order) { shown in
            let module = try? PythonModule(source.file, in: snapshot, shown: shown)
            dependencies.absentModules.formUnion(module?.absentModules.map { Self.join(source.folder, $0) } ?? [])
            let words = "\(path)\n\(source.graph ?? "")\n\(source.project)\n\(installation)"
            return Fingerprint(document: Array(words.utf8), files: module?.files ?? GraphFiles()).description
        }
    }

    /// The document that a source makes, with the files that its nodes run.
    mutating func content(
        of graph: PythonGraph, _ id: String, _ source: PythonSource, _ catalog: GraphCatalog, _ answer: JSONText
    ) throws(GraphFaults) -> GraphRevisionContent {
        let snapshot = snapshot(of: source)
        defer { follow(source, snapshot) }
        do throws(GraphFaults) {
            return try Graph.parse(
                graph.document(id: id).bytes, format: .json, vocabulary: catalog.compiler, files: snapshot
            ) { catalog.shown(ofGraph: $0).union(PythonLook.imports(of: answer)) }
        } catch {
            // Its places are in a text that nobody has written.
            throw GraphFaults(
                error.faults.map { GraphFault(pointer: $0.pointer, message: $0.message) }, count: error.count,
                code: error.code)
        }
    }

    func path(of source: PythonSource) -> String {
        source.folder.isEmpty ? folder : "\(folder)/\(source.folder)"
    }

    private mutating func snapshot(of source: PythonSource) -> FolderSnapshot {
        if let known = snapshots[source.folder] { return known }
        let snapshot = FolderSnapshot(path: path(of: source))
        snapshots[source.folder] = snapshot
        return snapshot
    }

    private mutating func follow(_ source: PythonSource, _ snapshot: FolderSnapshot) {
        let trail = snapshot.takeTrail()
        for path in trail.paths { dependencies.trail.paths.insert(Self.join(source.folder, path)) }
        dependencies.trail.paths.insert(Self.join(source.folder, "\(GraphDocument.environmentName)/bin/python"))
        dependencies.trail.linkedPaths.formUnion(trail.linkedPaths)
        for (folder, truePath) in trail.folders {
            dependencies.trail.folders[Self.join(source.folder, folder)] = truePath
        }
    }

    private static func join(_ folder: String, _ path: String) -> String {
        folder.isEmpty ? path : path.isEmpty ? folder : "\(folder)/\(path)"
    }
}

extension PythonSource {
    fileprivate var depth: Int { name.utf8.count { $0 == UInt8(ascii: "/") } }
}
