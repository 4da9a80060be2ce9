/// What can be asked of `bench`. Anything else is refused: a mistyped flag is not to start an hour of measurements.
enum BenchUsage {
    static let parts = [
        "throughput", "replicated", "peers", "client", "fetch", "storage", "start", "cluster", "failover", "console", "groups", "costs",
        "codecs", "scale", "sweeps", "soak",
    ]
    private static let flags = ["--program", "--loader", "--only", "--kaskade", "--streams", "--minutes", "--rounds", "--directory"]

    /// Nil where there is none.
    static func problem(_ arguments: [String]) -> String? {
        var rest = arguments[...]
        while let flag = rest.popFirst() {
            guard flags.contains(flag) else { return "there is no argument \(flag)" }
            guard let value = rest.popFirst() else { return "\(flag) wants a value" }
            if flag == "--only", !parts.contains(value) { return "there is no part \(value)" }
            if flag == "--rounds" || flag == "--minutes", (Int(value) ?? 0) < 1 { return "\(flag) wants a number, not \(value)" }
        }
        return nil
    }

    static let text = """
        bench [--program FILE] [--loader FILE] [--rounds N] [--only PART]   measures, as ratios taken in turn

          --program FILE    the program that is measured; .build/release/kastellan
          --loader FILE     the load generator over librdkafka; .build/loader
          --streams FILE    the load generator of many connections, for peers
          --kaskade FILE    the other console, for console
          --rounds N        rounds of each measurement; 5
          --minutes N       how long a soak lasts; 60
          --directory DIR   where brokers keep their data; .build
          --only PART       one of \(parts.joined(separator: ", "));
                            soak is measured only where it is named

        bench compact [UPDATES [KEYS]]            a pass of compaction
        bench client-load …                       the client library at full speed
        bench paced PORT TOPIC [RATE [COUNT [BYTES]]]   records one by one, acks=all, and when the slowest were due
        bench null-broker BYTES                   a broker that keeps nothing
        bench synthetic-cluster …                 a large cluster that only answers
        """
}
