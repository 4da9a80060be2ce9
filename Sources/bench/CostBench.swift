import Glibc
import Primitives
import Reactor

// What the broker's work costs in time of processors, apart from how fast it comes; and each codec passed through as it is.
extension Bench {
    private static let costBytes = 1000
    private static let costCount = 300_000

    /// Seconds of a processor, user and system, that a gigabyte of messages costs the brokers, by what is done with it.
    func costs() throws {
        var (produced, consumed, replicated) = (Samples(), Samples(), Samples())
        let one = try broker("costs-one")
        let three = try ChildProcess.start(
            [program, "dev", "--headless", "--brokers", "3", "--port", "0", "--data", "\(directory)/costs-three"])
        let address = try address(three)
        let gigabytes = Double(Bench.costBytes * Bench.costCount) / 1e9
        for round in 0..<rounds {
            let topic = "costs-\(round)"
            try makeTopic(one.address, topic)
            try makeTopic(address, topic, replicas: 3)
            let taken = try spent(one.process) { _ = try load("produce", one.address, topic, Bench.costCount, Bench.costBytes) }
            produced.add(taken / gigabytes)
            let given = try spent(one.process) {
                _ = try load("consume", one.address, topic, Bench.costCount, Int(NullBroker.partitions))
            }
            consumed.add(given / gigabytes)
            let copied = try spent(three) {
                _ = try load("produce", address, topic, Bench.costCount, Bench.costBytes, acks: "all")
            }
            replicated.add(copied / gigabytes)
        }
        var followed = Samples()
        for (all, leader) in zip(replicated.values, produced.values) { followed.add(max(0, all - leader) / 2) }
        Report.figure("processor for 1 GB, taken in", produced, unit: "s", target: nil)
        Report.figure("… given out", consumed, unit: "s", target: nil)
        Report.figure("… taken in by three, acks=all", replicated, unit: "s", target: nil)
        Report.figure("… of it each follower", followed, unit: "s", target: nil)
        one.process.stop()
        three.stop()
    }

    private func spent(_ process: ChildProcess, _ body: () throws -> Void) rethrows -> Double {
        let before = process.processorSeconds
        try body()
        return process.processorSeconds - before
    }

    /// The producer compresses, the broker checks and keeps what comes.
    func codecs() throws {
        let ours = try broker("codecs")
        let theirs = try null(Bench.costBytes)
        for codec in ["none", "gzip", "snappy", "lz4", "zstd"] {
            var (produced, plain, cost) = (Samples(), Samples(), Samples())
            // gzip is the client's work for the most part.
            let count = codec == "gzip" ? Bench.costCount / 5 : Bench.costCount
            for round in 0..<rounds {
                let topic = "codec-\(codec)-\(round)"
                try makeTopic(ours.address, topic)
                cost.add(
                    try spent(ours.process) {
                        produced.add(try load("produce", ours.address, topic, count, Bench.costBytes, codec: codec))
                    } * 1e9 / Double(count * Bench.costBytes))
                plain.add(try load("produce", theirs.address, topic, count, Bench.costBytes, codec: codec))
            }
            Report.ratio("produce 1000 B, \(codec)", produced, plain, unit: "/s", against: "/s null broker", target: nil)
            Report.figure("… processor for 1 GB of messages", cost, unit: "s", target: nil)
        }
        ours.process.stop()
        theirs.process.stop()
    }
}
