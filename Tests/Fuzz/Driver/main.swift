// The fuzzer: `millrace-fuzz TARGET [option of libFuzzer]… [corpus folder]…`. Tests/fuzz runs it.

import CFuzzer
import FuzzEntries
import Glibc

let graphs = GraphFuzzer()

guard CommandLine.argc > 1, let name = CommandLine.unsafeArgv[1].map({ String(cString: $0) }) else {
    complain("usage: millrace-fuzz request|graph|events|json|lua [OPTION]… [FOLDER]…")
}

// libFuzzer sees the rest.
CommandLine.unsafeArgv[1] = CommandLine.unsafeArgv[0]
var count = CommandLine.argc - 1
var arguments: UnsafeMutablePointer<UnsafeMutablePointer<CChar>?>? = CommandLine.unsafeArgv.advanced(by: 1)

switch name {
case "request": exit(LLVMFuzzerRunDriver(&count, &arguments) { run(fuzzRequestParser, $0, $1) })
case "graph": exit(LLVMFuzzerRunDriver(&count, &arguments) { run(graphs.run, $0, $1) })
case "events": exit(LLVMFuzzerRunDriver(&count, &arguments) { run(fuzzEventStream, $0, $1) })
case "json": exit(LLVMFuzzerRunDriver(&count, &arguments) { run(fuzzJSON, $0, $1) })
case "lua": exit(LLVMFuzzerRunDriver(&count, &arguments) { run(fuzzLua, $0, $1) })
default:
    complain("millrace-fuzz: there is no target \(name)")
}

func complain(_ message: String) -> Never {
    let line = Array("\(message)\n".utf8)
    _ = write(STDERR_FILENO, line, line.count)
    exit(2)
}

func run(_ entry: (UnsafeRawBufferPointer) -> Void, _ bytes: UnsafePointer<UInt8>?, _ count: Int) -> Int32 {
    entry(UnsafeRawBufferPointer(start: bytes, count: count))
    return 0
}

/// libFuzzer's own main function, which is linked although this file has one, wants it.
@_cdecl("LLVMFuzzerTestOneInput")
func testOneInput(_ bytes: UnsafePointer<UInt8>?, _ count: Int) -> Int32 {
    preconditionFailure("libFuzzer is run by this file's main function")
}
