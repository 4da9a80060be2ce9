import Glibc

// The client library beside librdkafka, against the same broker, in turn: records a second, and records for each second of a processor.
extension Bench {
    func clients() throws {
        let broker = try broker("client")
        for (recordBytes, count) in [(100, 1_000_000), (1000, 200_000)] {
            var produced = Pair()
            var consumed = Pair()
            for round in 0..<rounds {
                let topics = ["own-\(recordBytes)-\(round)", "rdkafka-\(recordBytes)-\(round)"]
                for topic in topics { try makeTopic(broker.address, topic) }
                let own = [CommandLine.arguments[0], "client-load"]
                produced.ours.add(try measure(own + ["produce", broker.address, topics[0], "\(count)", "\(recordBytes)"]))
                produced.theirs.add(try measure([loader, "produce", broker.address, topics[1], "\(count)", "\(recordBytes)", "acks=1"]))
                let partitions = "\(NullBroker.partitions)"
                consumed.ours.add(try measure(own + ["consume", broker.address, topics[0], "\(count)", partitions]))
                consumed.theirs.add(try measure([loader, "consume", broker.address, topics[0], "\(count)", partitions]))
            }
            produced.report("produce \(recordBytes) B, client library")
            consumed.report("consume \(recordBytes) B, client library")
        }
        broker.process.stop()
    }

    /// Of one client: records a second, and for each second of a processor.
    private struct Rates {
        var wall = Samples()
        var processor = Samples()

        mutating func add(_ found: (wall: Double, processor: Double)) {
            wall.add(found.wall)
            processor.add(found.processor)
        }
    }

    private struct Pair {
        var ours = Rates()
        var theirs = Rates()

        func report(_ name: String) {
            Report.ratio(name, ours.wall, theirs.wall, unit: "/s", against: "/s librdkafka", target: nil)
            Report.ratio("… per core", ours.processor, theirs.processor, unit: "/s", against: "/s librdkafka", target: 1)
        }
    }

    private func measure(_ words: [String]) throws -> (wall: Double, processor: Double) {
        let before = endedChildren()
        let process = try ChildProcess.start(words)
        let parts = try process.firstLine(milliseconds: 90_000).split(separator: " ").compactMap { Double($0) }
        guard process.wait() == 0, parts.count == 3, parts[2] > 0 else {
            throw ChildProcess.Failed(description: "\(words.prefix(3)) printed no figures")
        }
        return (parts[0] / parts[2], parts[0] / max(endedChildren() - before, 0.001))
    }

    /// Seconds of a processor that went into children that have ended.
    private func endedChildren() -> Double {
        var usage = rusage()
        getrusage(__rusage_who_t(RUSAGE_CHILDREN.rawValue), &usage)
        func seconds(_ time: timeval) -> Double { Double(time.tv_sec) + Double(time.tv_usec) / 1e6 }
        return seconds(usage.ru_utime) + seconds(usage.ru_stime)
    }
}
