/// A Python file of a folder with all that it imports from there: what it does goes by their content.
package struct PythonModule: Sendable {
    package let files: GraphFiles
    /// Paths below the folder, without endings, where a module was looked for and not found.
    package let absentModules: Set<String>

    /// - Parameter shown: files of the folder that a run has shown to be imported, though no text names them.
    package init(
        _ name: String, in source: some GraphFileSource, shown: Set<String> = []
    ) throws(GraphFileError) {
        var named = GraphFiles([name: try source.read(name)])
        var imports = ImportedFiles(source, named: named)
        imports.add([.file(name)], shown: shown)
        named.imported = imports.imported
        files = named
        absentModules = imports.absent
    }
}
