// swift-tools-version: 6.2
import PackageDescription

// Tests/fuzz builds a fuzzer, and what it calls with counters of what is reached, in a build folder of its own.
let isFuzzing = Context.environment["MILLRACE_FUZZ"] != nil
let counters: [SwiftSetting] = isFuzzing ? [.unsafeFlags(["-sanitize=fuzzer"])] : []

let strict: [SwiftSetting] =
    counters + [
        .treatAllWarnings(as: .error),
        // The modules are small and call each other for every byte of an event.
        // Exclusive access is checked while tests run; in a release it is 6% of an execution's instructions.
        .unsafeFlags(["-cross-module-optimization", "-enforce-exclusivity=unchecked"], .when(configuration: .release)),
        .enableUpcomingFeature("MemberImportVisibility"),
        .enableUpcomingFeature("ExistentialAny"),
    ]

/// A release runs without the Swift toolchain, and calls the runtime without a detour.
func standalone(_ libraries: String...) -> [LinkerSetting] {
    [.unsafeFlags(["-static-stdlib"] + libraries.map { "-l\($0)" }, .when(configuration: .release))]
}

/// Those that the Foundation of the packages needs, in the order of the linker.
let foundation = standalone("CoreFoundation", "_FoundationICU", "_FoundationCollections", "_FoundationCShims")

func module(_ name: String, _ dependencies: [Target.Dependency] = [], exclude: [String] = []) -> Target {
    .target(name: name, dependencies: dependencies, exclude: exclude, swiftSettings: strict)
}

func tests(_ name: String, _ dependencies: [Target.Dependency], exclude: [String] = []) -> Target {
    .testTarget(name: name, dependencies: dependencies, exclude: exclude, swiftSettings: strict)
}

let yams = Target.Dependency.product(name: "Yams", package: "Yams")
let orderedCollections = Target.Dependency.product(name: "OrderedCollections", package: "swift-collections")
let dequeModule = Target.Dependency.product(name: "DequeModule", package: "swift-collections")
let treeCollections = Target.Dependency.product(name: "HashTreeCollections", package: "swift-collections")
let grdb = Target.Dependency.product(name: "GRDB", package: "GRDB.swift")
let arguments = Target.Dependency.product(name: "ArgumentParser", package: "swift-argument-parser")
let histogram = Target.Dependency.product(name: "Histogram", package: "hdrhistogram-swift")

let targets: [Target] = [
    // The C side: what Swift cannot import, and the system's libraries.
    .target(name: "CLinux"),
    .systemLibrary(name: "CSystemd", pkgConfig: "libsystemd", providers: [.apt(["libsystemd-dev"])]),
    .systemLibrary(name: "CLuaLibrary", pkgConfig: "lua5.4", providers: [.apt(["liblua5.4-dev"])]),
    .target(name: "CLua", dependencies: ["CLuaLibrary"]),
    .systemLibrary(name: "CCurl", pkgConfig: "libcurl", providers: [.apt(["libcurl4-openssl-dev"])]),
    .systemLibrary(name: "CCrypto", pkgConfig: "libcrypto", providers: [.apt(["libssl-dev"])]),
    .target(name: "CSimdJSON", linkerSettings: [.linkedLibrary("simdjson")]),  // apt: libsimdjson-dev
    .executableTarget(name: "millrace-exec", linkerSettings: standalone()),

    // Values.
    module("JSON", ["CSimdJSON", orderedCollections]),
    module("HTTP"),
    module("Digest"),
    module("Metrics"),
    module("Graphs", ["Digest", "JSON", yams, orderedCollections]),

    // The loop.
    module("Linux", ["CLinux"]),
    module("Reactor", ["Linux", "Metrics", dequeModule]),

    // What leads out of the host.
    module("HTTPClient", ["CCurl", "Linux", "Reactor"]),

    // What nobody shall see.
    module("Secrets", ["Linux"]),

    // Who may do what.
    module("Auth", ["Digest", "JSON", "Linux"]),

    // The engine and its edges.
    module("Executions", ["Graphs", "JSON", "Linux", treeCollections, orderedCollections, dequeModule]),
    module("ReactorServices", ["Executions", "Reactor", "Linux"]),
    module("Sealing", ["CCrypto", "Digest", "Executions", "JSON", "Linux"]),
    module(
        "Nodes", ["Executions", "Graphs", "HTTP", "HTTPClient", "JSON", "Linux", "Secrets", "CLua", dequeModule],
        exclude: ["Python"]),
    module("History", ["Executions", "Graphs", "JSON", "Linux", "Metrics", grdb]),
    module("Config", [yams]),
    module("Systemd", ["CSystemd", "Linux"]),
    module(
        "Server",
        [
            "Linux", "Reactor", "HTTP", "Digest", "Auth", "Metrics", "Executions", "Graphs", "JSON", orderedCollections,
            dequeModule,
        ],
        exclude: ["openapi.json"]),
    module("Client", ["CCurl", "HTTP", "JSON", "Linux"]),
    .executableTarget(
        name: "millrace",
        dependencies: [
            "Linux", "Reactor", "HTTP", "JSON", "Graphs", "Auth", "Executions", "ReactorServices", "Metrics", "Nodes",
            "History", "HTTPClient", "Secrets", "Config", "Sealing", "Systemd", "Server", "Client", arguments, yams,
            histogram,
        ],
        swiftSettings: strict, linkerSettings: foundation),

    tests("AuthTests", ["Auth", "Digest", "Linux"]),
    tests("SecretsTests", ["Secrets"]),
    tests("LinuxTests", ["Linux", "CLinux"]),
    tests("ReactorTests", ["Reactor", "Linux"]),
    tests("HTTPClientTests", ["HTTPClient", "Linux"]),
    tests("JSONTests", ["JSON"]),
    tests("HTTPTests", ["HTTP", "FuzzEntries"]),
    tests("DigestTests", ["Digest"]),
    tests("MetricsTests", ["Metrics"]),
    tests("GraphsTests", ["Graphs", "JSON"]),
    tests("ExecutionsTests", ["Executions", "Graphs", "JSON"]),
    tests(
        "NodesTests",
        ["Nodes", "Executions", "ReactorServices", "Graphs", "HTTPClient", "JSON", "Linux", "Reactor"],
        exclude: ["Python"]),
    tests("SealingTests", ["Sealing", "Executions", "JSON"]),
    tests("HistoryTests", ["History", "Executions", "Graphs", "JSON", "Linux"]),
    tests(
        "ServerTests",
        [
            "Server", "Executions", "History", "Nodes", "ReactorServices", "Reactor", "Graphs", "HTTP", "JSON", "Linux",
            "Auth",
        ]),
    tests("ConfigTests", ["Config"]),
    tests("ClientTests", ["Client", "HTTP", "JSON", "Linux"]),
    tests("CommandTests", ["millrace", "Client", "Config", "HTTP", "JSON", "Linux", arguments]),
    tests("TidyTests", []),

    // What a fuzzer calls, and what it has found.
    .target(
        name: "FuzzEntries",
        dependencies: [
            "HTTP", "JSON", "Graphs", "Executions", "Nodes", "Reactor", "ReactorServices", orderedCollections,
        ],
        path: "Tests/Fuzz/Entries", swiftSettings: strict),
    tests("FuzzTests", ["FuzzEntries"]),
]

let fuzzer: [Target] = [
    .systemLibrary(name: "CFuzzer", path: "Tests/Fuzz/CFuzzer"),
    .executableTarget(
        name: "millrace-fuzz", dependencies: ["CFuzzer", "FuzzEntries"], path: "Tests/Fuzz/Driver",
        swiftSettings: strict, linkerSettings: [.unsafeFlags(["-sanitize=fuzzer"])]),
]

let package = Package(
    name: "millrace",
    dependencies: [
        .package(url: "https://github.com/apple/swift-argument-parser", from: "1.8.2"),
        .package(url: "https://github.com/apple/swift-collections", from: "1.6.0"),
        .package(url: "https://github.com/groue/GRDB.swift", from: "7.10.0"),
        .package(url: "https://github.com/HdrHistogram/hdrhistogram-swift", from: "0.2.0"),
        .package(url: "https://github.com/jpsim/Yams", from: "6.2.2"),
    ],
    targets: targets + (isFuzzing ? fuzzer : []),
    swiftLanguageModes: [.v6],
    cLanguageStandard: .gnu17,
    cxxLanguageStandard: .cxx17
)
