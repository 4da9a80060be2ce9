import Glibc

/// `bench --program KASTELLAN --loader LOADER`: everything, as ratios. `bench null-broker BYTES` and `bench synthetic-cluster`
/// are what it starts besides, and `bench compact` measures a pass of compaction alone; `bench client-load` is the client library at
/// full speed (see `ClientLoad`).
nonisolated func start() {
    let arguments = Array(CommandLine.arguments.dropFirst())
    do {
        if arguments.first == "null-broker" {
            try NullBroker(recordBytes: arguments.count > 1 ? Int(arguments[1]) ?? 100 : 100).run()
        } else if arguments.first == "synthetic-cluster" {
            try SyntheticCluster(SyntheticCluster.shape(arguments)).run()
        } else if arguments.first == "paced" {
            try PlainPaced.run(Array(arguments.dropFirst()))
        } else if arguments.first == "compact" {
            try CompactionBench.run(Array(arguments.dropFirst()))
        } else if arguments.contains(where: { ["-h", "--help", "help"].contains($0) }) {
            print(BenchUsage.text)
        } else if let problem = BenchUsage.problem(arguments) {
            print("bench: \(problem)\n\n\(BenchUsage.text)")
            exit(2)
        } else {
            try Bench(arguments).run()
        }
    } catch {
        print("bench: \(error)")
        exit(1)
    }
}
