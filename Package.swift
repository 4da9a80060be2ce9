// swift-tools-version: 6.2
// The table of targets and the arrows between them (ARCHITECTURE.md, "The house"). `tidy` checks that sources keep to it.
//
// KASTELLAN_ONLY=Wire,Storage restricts the package to those targets, what they depend on, and their tests, so that work on one
// part never waits for another part to compile.

import PackageDescription

/// FUZZ=1 (`make fuzz`): the decoders of bytes from outside under libFuzzer, with all they need instrumented. Has its own scratch path.
let fuzzing = Context.environment["FUZZ"] != nil
let sanitizers = ["-sanitize=fuzzer,address"]
let common: [SwiftSetting] =
    [
        .swiftLanguageMode(.v6),
        .treatAllWarnings(as: .error),
        .enableUpcomingFeature("ExistentialAny"),
        .enableUpcomingFeature("MemberImportVisibility"),
        // What the compiler cannot see of exclusive access it checks as it runs, at a twelfth of a broker's instructions. Debug builds, and
        // with them all tests, keep these checks.
        .unsafeFlags(["-enforce-exclusivity=unchecked"], .when(configuration: .release)),
    ] + (fuzzing ? [.unsafeFlags(sanitizers)] : [])
/// Targets whose generic code is called from others in hot loops: let the optimiser specialise it across modules.
let hot = common + [.unsafeFlags(["-cross-module-optimization"], .when(configuration: .release))]

func library(_ name: String, _ dependencies: [String], _ settings: [SwiftSetting] = common) -> Target {
    .target(
        name: name, dependencies: dependencies.map { .byName(name: $0) }, path: "Sources/\(name)", swiftSettings: settings)
}
func program(_ name: String, _ dependencies: [String]) -> Target {
    .executableTarget(
        name: name, dependencies: dependencies.map { .byName(name: $0) }, path: "Sources/\(name)", swiftSettings: common)
}
/// gold, the default linker, crashes on what the sanitizers emit.
func fuzzer(_ name: String, _ dependencies: [String]) -> Target {
    .executableTarget(
        name: name, dependencies: dependencies.map { .byName(name: $0) }, path: "Sources/\(name)",
        swiftSettings: common + [.unsafeFlags(["-parse-as-library"])],
        linkerSettings: [.unsafeFlags(sanitizers + ["-use-ld=lld"])])
}
func tests(_ name: String, _ more: [String] = [], exclude: [String] = []) -> Target {
    .testTarget(
        name: "\(name)Tests", dependencies: ([name] + more).map { .byName(name: $0) }, path: "Tests/\(name)Tests",
        exclude: exclude, swiftSettings: common)
}
/// A short program that shows the client library.
func example(_ name: String) -> Target {
    .executableTarget(name: "Example\(name)", dependencies: ["Client"], path: "Examples/\(name)", swiftSettings: common)
}
func c(_ name: String) -> Target { .systemLibrary(name: name, path: "Sources/\(name)") }

let everything: [Target] = [
    // Debian's C libraries: a module map and a small shim header each.
    c("CLinux"), c("CNcurses"), c("CZlib"), c("CZstd"), c("CLZ4"), c("CSnappy"), c("CYAML"), c("COpenSSL"), c("CSQLite"), c("CJQ"),
    // A pure function in C: CRC32C with the processor's own instruction.
    c("CChecksum"),

    // The pure core.
    library("Primitives", ["CChecksum"], hot),
    library("Wire", ["Primitives"], hot),
    library("Records", ["Primitives"], hot),
    library("Storage", ["Records", "Primitives"]),
    library("Quorum", ["Primitives"]),
    library("Controller", ["Wire", "Records", "Primitives"]),
    library("Groups", ["Wire", "Records", "Primitives"]),
    library("Replication", ["Storage", "Records", "Primitives"]),
    library("Broker", ["Primitives", "Wire", "Records", "Storage", "Quorum", "Controller", "Groups", "Replication"]),
    library("ClientCore", ["Wire", "Records", "Primitives"]),
    library("Grid", ["Primitives"]),
    library("Observatory", ["ClientCore", "Wire", "Records", "Primitives"]),
    library(
        "Simulator",
        ["Broker", "ClientCore", "Controller", "Groups", "Quorum", "Replication", "Storage", "Records", "Wire", "Primitives"]),
    library("Console", ["Observatory", "Grid", "ClientCore", "Primitives"]),

    // The shells.
    library("Compression", ["Records", "Primitives", "CZlib", "CZstd", "CLZ4", "CSnappy"]),
    library("Payloads", ["Primitives", "CJQ"]),
    library("Reactor", ["Primitives", "CLinux", "COpenSSL"]),
    library("BrokerServer", ["Broker", "Reactor", "Compression", "Primitives", "Wire", "Records", "Storage", "Controller", "Groups"]),
    library("Client", ["ClientCore", "Reactor", "Compression", "Wire", "Records", "Primitives", "CLinux"]),
    library(
        "DevCluster",
        ["BrokerServer", "Client", "ClientCore", "Broker", "Controller", "Reactor", "Wire", "Records", "Groups", "Primitives"]),
    library("Settings", ["CYAML", "Primitives"]),
    library("Terminal", ["Grid", "Settings", "CNcurses", "CLinux", "Primitives"]),
    library("History", ["CSQLite", "Primitives"]),
    library(
        "Commands",
        [
            "History", "Client", "DevCluster", "BrokerServer", "Console", "Terminal", "Settings", "Observatory", "ClientCore", "Grid",
            "Reactor", "Storage", "Records", "Compression", "Wire", "Controller", "Payloads", "Primitives", "CLinux",
        ]),
    program("kastellan", ["Commands"]),
    program("bench", ["Client", "Reactor", "Storage", "Records", "Wire", "Primitives", "CLinux"]),
    program("simulate", ["Simulator", "Compression", "Primitives"]),
    program("storm", ["Broker", "Compression", "Controller", "Reactor", "Storage", "Wire", "Records", "Primitives"]),
    program("tidy", []),
    example("Produce"), example("Consume"), example("Transfer"),
    // The client library behind a pipe, for tests that are not written in Swift.
    .executableTarget(name: "librarydriver", dependencies: ["Client"], path: "Tests/LibraryDriver", swiftSettings: common),

    // What tests of several targets share.
    .target(name: "TestSupport", path: "Tests/TestSupport", swiftSettings: common),

    // What several tests share: the recorded behaviours of a real Kafka.
    .target(
        name: "RecordedKafka", dependencies: ["Wire", "Primitives"].map { .byName(name: $0) }, path: "Tests/RecordedKafka",
        swiftSettings: common),

    tests("Primitives"), tests("Wire"), tests("Records", ["Compression"]), tests("Storage", ["Compression", "Reactor", "Wire"]),
    tests("Quorum", ["TestSupport"]),
    tests("Controller", ["TestSupport", "RecordedKafka"]), tests("Groups", ["TestSupport"]), tests("Replication", ["TestSupport"]),
    tests("Broker", ["RecordedKafka", "Reactor"]),
    tests("ClientCore"), tests("Grid"), tests("Observatory"), tests("Console"), tests("Compression"), tests("Payloads"),
    tests("Reactor", ["Storage"]),
    tests("BrokerServer"),
    tests("Client", ["BrokerServer", "Controller", "Reactor", "ClientCore", "Observatory", "Records", "Wire", "Primitives"]),
    tests("DevCluster"), tests("Simulator", ["TestSupport", "Compression"], exclude: ["Scenarios"]), tests("Terminal"),
    tests("Commands", ["CLinux", "Client", "ClientCore", "Console", "DevCluster", "Grid", "History", "Observatory", "Primitives", "Reactor",
        "Records", "Terminal", "Wire"]), tests("Settings"), tests("History"), tests("tidy"),
]

/// Built instead of the programs where FUZZ is set.
let fuzz = fuzzer(
    "fuzz",
    ["Broker", "Controller", "Compression", "Storage", "Quorum", "Wire", "Records", "Payloads", "Console", "Grid", "Primitives"])

/// The client is a library for others too.
let offersClient = Context.environment["KASTELLAN_ONLY"] == nil && !fuzzing

/// The targets asked for by KASTELLAN_ONLY with all they depend on, and the tests of those asked for.
@MainActor func selected() -> [Target] {
    let everything = fuzzing ? everything + [fuzz] : everything
    let named = fuzzing ? "fuzz" : Context.environment["KASTELLAN_ONLY"]
    guard let only = named, !only.isEmpty else { return everything }
    let asked = Set(only.split(separator: ",").map(String.init))
    var wanted = asked
    for test in everything where test.isTest && asked.contains(String(test.name.dropLast(5))) { wanted.insert(test.name) }
    var grown = true
    while grown {
        grown = false
        for target in everything where wanted.contains(target.name) {
            for case .byNameItem(let name, _) in target.dependencies where wanted.insert(name).inserted { grown = true }
        }
    }
    return everything.filter { wanted.contains($0.name) }
}

let package = Package(
    name: "kastellan", products: offersClient ? [.library(name: "Client", targets: ["Client"])] : [], targets: selected())
