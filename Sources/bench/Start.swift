import Glibc

/// `bench --program KASTELLAN --loader LOADER`: everything, as ratios. `bench null-broker BYTES` is what it starts besides.
nonisolated func start() {
    let arguments = Array(CommandLine.arguments.dropFirst())
    do {
        if arguments.first == "null-broker" {
            try NullBroker(recordBytes: arguments.count > 1 ? Int(arguments[1]) ?? 100 : 100).run()
        } else {
            try Bench(arguments).run()
        }
    } catch {
        print("bench: \(error)")
        exit(1)
    }
}
