import Glibc
import Primitives
import Reactor

// A long run under a steady load, with segments that roll and retention that takes them: what memory and latency are at its end, beside
// what they were at its beginning.
extension Bench {
    private static let soakRate = 2000
    private static let soakBytes = 1000
    private static let soakWindowSeconds = 30
    /// Kept of each partition, so that the run is in its steady state after some minutes.
    private static let soakRetention = ["retention.bytes=67108864", "segment.bytes=16777216"]

    /// Of one window of the load.
    private struct Window {
        var p50 = 0.0
        var p99 = 0.0
        var megabytes = 0.0
        var processor = 0.0
    }

    func soak(minutes: Int) throws {
        let ours = try ChildProcess.start(
            [program, "dev", "--headless", "--brokers", "3", "--port", "0", "--data", "\(directory)/soak"])
        defer { ours.stop() }
        let address = try address(ours)
        let made = try ChildProcess.start(
            [program, "topics", "create", "soak", "-p", "3", "-r", "3", "-b", address]
                + Bench.soakRetention.flatMap { ["--config", $0] })
        while made.read(milliseconds: 20_000) != nil {}
        guard made.wait() == 0 else { throw ChildProcess.Failed(description: "cannot create the topic") }
        var windows: [Window] = []
        let end = ticks() + Int64(minutes) * 60_000_000_000
        while ticks() < end || windows.count < 2 {
            windows.append(try window(ours, address))
            if windows.count % 20 == 0, let last = windows.last {
                let minute = windows.count * Bench.soakWindowSeconds / 60
                Report.remark("after \(minute) min: p99 \(Report.fixed(last.p99, 0)) us, \(Report.fixed(last.megabytes, 1)) MB")
            }
        }
        report(windows)
    }

    private func window(_ broker: ChildProcess, _ address: String) throws -> Window {
        let before = broker.processorSeconds
        let count = Bench.soakRate * Bench.soakWindowSeconds
        let process = try ChildProcess.start([loader, "paced", address, "soak", "\(count)", "\(Bench.soakBytes)", "\(Bench.soakRate)"])
        let wait = Int32(Bench.soakWindowSeconds + 90) * 1000
        let parts = try process.firstLine(milliseconds: wait).split(separator: " ").compactMap { Double($0) }
        guard process.wait() == 0, parts.count == 5 else { throw ChildProcess.Failed(description: "the loader printed no figures") }
        return Window(
            p50: parts[1], p99: parts[2], megabytes: Double(broker.residentBytes) / 1e6, processor: broker.processorSeconds - before)
    }

    /// The last ten minutes beside the first ten, of which the first window is left out: there everything is still being made. Of a
    /// shorter run its halves.
    private func report(_ windows: [Window]) {
        let warm = windows.count > 2 ? Array(windows.dropFirst()) : windows
        let count = min(600 / Bench.soakWindowSeconds, max(warm.count / 2, 1))
        func row(_ name: String, _ unit: String, target: Double?, _ value: (Window) -> Double) {
            var (first, last) = (Samples(), Samples())
            for window in warm.prefix(count) { first.add(value(window)) }
            for window in warm.suffix(count) { last.add(value(window)) }
            Report.ratio(
                "soak, \(name): the end", last, first, unit: unit, against: "\(unit) at the beginning", target: target, atMost: true)
        }
        row("p50", "us", target: 1.2) { $0.p50 }
        row("p99", "us", target: 1.5) { $0.p99 }
        row("memory", "MB", target: 1.2) { $0.megabytes }
        row("processor of each window", "s", target: 1.2) { $0.processor }
    }
}
