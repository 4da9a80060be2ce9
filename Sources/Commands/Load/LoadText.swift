import Observatory
import Primitives

/// What a run of load came to, as `kafka-producer-perf-test` writes it, and as JSON.
enum LoadText {
    /// `5000 records sent, 999.8 records/sec (0.95 MB/sec), 2.1 ms avg latency, 31.0 ms max latency.`
    static func window(_ part: LoadTally.Stretch) -> String {
        "\(part.records) records sent, \(decimals(part.recordsPerSecond, 1)) records/sec (\(decimals(part.megabytesPerSecond, 2)) MB/sec), "
            + "\(decimals(part.latencyAverageMs, 1)) ms avg latency, \(decimals(part.latencyMaxMs, 1)) ms max latency."
    }

    /// The same, and the percentiles.
    static func whole(_ part: LoadTally.Stretch) -> String {
        let speed = "\(decimals(part.recordsPerSecond, 1)) records/sec (\(decimals(part.megabytesPerSecond, 2)) MB/sec)"
        let line =
            "\(part.records) records sent, \(speed), "
            + "\(decimals(part.latencyAverageMs, 2)) ms avg latency, \(decimals(part.latencyMaxMs, 2)) ms max latency"
        let times = quantiles.map { "\(decimals(part.latencyMs($0.part), 0)) ms \($0.name)" }
        return ([line] + times).joined(separator: ", ") + "."
    }

    private static let quantiles: [(name: String, part: Double)] = [("50th", 0.5), ("95th", 0.95), ("99th", 0.99), ("99.9th", 0.999)]

    /// Times are milliseconds with three decimals, in steps of three percent.
    static func json(_ part: LoadTally.Stretch, failed: Int64? = nil) -> JSON {
        func rounded(_ value: Double, _ steps: Double) -> JSON { .decimal((value * steps).rounded() / steps) }
        var members: [(String, JSON)] = [
            ("recordsSent", .number(part.records)), ("recordsPerSecond", rounded(part.recordsPerSecond, 10)),
            ("megabytesPerSecond", rounded(part.megabytesPerSecond, 1000)), ("seconds", rounded(part.seconds, 1000)),
            ("latencyAverageMs", rounded(part.latencyAverageMs, 1000)), ("latencyMaxMs", rounded(part.latencyMaxMs, 1000)),
        ]
        if let failed {
            members += zip(["latencyP50Ms", "latencyP95Ms", "latencyP99Ms", "latencyP999Ms"], quantiles).map {
                ($0, rounded(part.latencyMs($1.part), 1000))
            }
            members.append(("recordsFailed", .number(failed)))
        }
        return .object(members.map { JSON.Member($0.0, $0.1) })
    }
}

/// A number with so many decimals, rounded, as `%.2f` writes it.
func decimals(_ value: Double, _ digits: Int) -> String {
    let scale = (0..<digits).reduce(Int64(1)) { whole, _ in whole * 10 }
    let scaled = (value * Double(scale)).rounded()
    guard scaled.isFinite, abs(scaled) < 9e18 else { return String(value) }
    let whole = Int64(abs(scaled))
    let sign = scaled < 0 ? "-" : ""
    if digits == 0 { return sign + String(whole) }
    let rest = String(whole % scale)
    return "\(sign)\(whole / scale)." + String(repeating: "0", count: digits - rest.utf8.count) + rest
}

extension LoadJob {
    /// How a run ended, for a plan's last page and the audit.
    static func outcome(_ plan: Plan, _ outcome: LoadRun.Outcome) -> PlanOutcome {
        var lines = [LoadText.whole(outcome.whole)]
        if let error = outcome.firstFailure { lines.append("\(outcome.failed) were not written: \(error).") }
        if outcome.isAborted { lines.append("Stopped before the end.") }
        let isWhole = outcome.failed == 0 && !outcome.isAborted
        return PlanOutcome(
            title: plan.title, verdict: isWhole ? .done : outcome.whole.records > 0 ? .doneButDiffers : .failed, lines: lines)
    }
}
