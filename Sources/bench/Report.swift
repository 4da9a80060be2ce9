import Glibc
import Primitives
import Reactor

/// Figures of several rounds, told as the median with the range.
struct Samples {
    private(set) var values: [Double] = []

    mutating func add(_ value: Double) { values.append(value) }

    var median: Double {
        let sorted = values.sorted()
        guard !sorted.isEmpty else { return 0 }
        let middle = sorted.count / 2
        return sorted.count % 2 == 1 ? sorted[middle] : (sorted[middle - 1] + sorted[middle]) / 2
    }
    /// What so great a part of the values does not exceed.
    func percentile(_ part: Double) -> Double {
        let sorted = values.sorted()
        return sorted.isEmpty ? 0 : sorted[min(Int(Double(sorted.count) * part), sorted.count - 1)]
    }
    var least: Double { values.min() ?? 0 }
    var most: Double { values.max() ?? 0 }
}

/// What is printed: a row per figure, its columns at fixed places.
enum Report {
    static func heading() {
        row("WHAT", "OURS", "AGAINST", "RATIO", "ROUNDS", "TARGET")
    }

    /// A ratio: ours and what it is held against, measured in turn, round by round. `target` is the least, or with `atMost` the most,
    /// that it is to be.
    static func ratio(
        _ name: String, _ ours: Samples, _ theirs: Samples, unit: String, against: String, target: Double?, atMost: Bool = false
    ) {
        var ratios = Samples()
        for (a, b) in zip(ours.values, theirs.values) where b > 0 { ratios.add(a / b) }
        let aim = target.map {
            atMost ? verdict(ratios.median <= $0, "at most \(fixed($0, 2))") : verdict(ratios.median >= $0, "at least \(fixed($0, 2))")
        }
        row(
            name, "\(short(ours.median)) \(unit)", "\(short(theirs.median)) \(against)", fixed(ratios.median, 2),
            "\(fixed(ratios.least, 2)) to \(fixed(ratios.most, 2))", aim ?? "")
    }

    /// A plain figure, which is to stay below its target.
    static func figure(_ name: String, _ samples: Samples, percentile: Double = 0.5, unit: String, target: Double?) {
        let value = percentile == 0.5 ? samples.median : samples.percentile(percentile)
        row(
            name, "\(fixed(value, 1)) \(unit)", "", "", "\(fixed(samples.least, 1)) to \(fixed(samples.most, 1))",
            target.map { verdict(value < $0, "below \(fixed($0, 0)) \(unit)") } ?? "")
    }

    static func remark(_ text: String) { out(text + "\n") }

    private static func verdict(_ met: Bool, _ text: String) -> String { "\(text): \(met ? "met" : "missed")" }

    private static func row(_ name: String, _ ours: String, _ against: String, _ ratio: String, _ rounds: String, _ target: String) {
        let cells = [(name, 36), (ours, 13), (against, 27), (ratio, 7), (rounds, 16), (target, 0)]
        var line = ""
        for (text, width) in cells { line += text + String(repeating: " ", count: max(width - text.count, 1)) }
        while line.last == " " { line.removeLast() }
        out(line + "\n")
    }

    private static func out(_ text: String) {
        print(text, terminator: "")
        fflush(nil)
    }

    /// Three digits that mean something: 1.23G, 1.23M, 456k, 78.9.
    static func short(_ value: Double) -> String {
        if value >= 1_000_000_000 { return "\(fixed(value / 1_000_000_000, 2))G" }
        if value >= 10_000_000 { return "\(fixed(value / 1_000_000, 1))M" }
        if value >= 1_000_000 { return "\(fixed(value / 1_000_000, 2))M" }
        if value >= 10_000 { return "\(fixed(value / 1000, 0))k" }
        return fixed(value, value >= 100 ? 0 : 1)
    }

    static func fixed(_ value: Double, _ digits: Int) -> String {
        var factor = 1.0
        for _ in 0..<digits { factor *= 10 }
        let scaled = Int((value * factor).rounded())
        if digits == 0 { return String(scaled) }
        let fraction = String(abs(scaled) % Int(factor))
        let whole = abs(scaled) / Int(factor)
        return (scaled < 0 ? "-" : "") + "\(whole)." + String(repeating: "0", count: digits - fraction.count) + fraction
    }
}

func seconds(since start: Int64) -> Double { Double(SystemClock.instant().nanoseconds - start) / 1e9 }
/// Nanoseconds of the monotonic clock.
func ticks() -> Int64 { SystemClock.instant().nanoseconds }
