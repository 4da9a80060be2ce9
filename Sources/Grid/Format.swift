import Primitives

/// Numbers, sizes and times for people, without locale: the same on every machine, so that screens are goldens.
package enum Format {
    /// `1234567` as `1,234,567`.
    package static func count(_ value: Int64) -> String {
        let digits = String(value.magnitude)
        var out = value < 0 ? "-" : ""
        for (i, digit) in digits.enumerated() {
            if i > 0, (digits.utf8.count - i) % 3 == 0 { out += "," }
            out.append(digit)
        }
        return out
    }

    package static func count(_ value: Int) -> String { count(Int64(value)) }

    /// In at most five columns: `999`, `12.3k`, `4.5M`.
    package static func short(_ value: Double) -> String {
        scaled(value, base: 1000, units: ["", "k", "M", "G", "T", "P"])
    }

    /// Bytes in powers of 1024: `512 B`, `1.5 KiB`, `10 GiB`.
    package static func bytes(_ value: Int64) -> String {
        scaled(Double(value), base: 1024, units: [" B", " KiB", " MiB", " GiB", " TiB", " PiB"])
    }

    /// A rate per second; `-` where unknown.
    package static func rate(_ value: Double?) -> String {
        guard let value, value.isFinite else { return "-" }
        return value > 0 && value < 0.1 ? "<0.1/s" : short(value) + "/s"
    }

    package static func byteRate(_ value: Double?) -> String {
        guard let value, value.isFinite else { return "-" }
        return scaled(value, base: 1024, units: [" B", " KiB", " MiB", " GiB", " TiB", " PiB"]) + "/s"
    }

    /// One decimal below ten (unless whole), none above.
    private static func scaled(_ value: Double, base: Double, units: [String]) -> String {
        guard value.isFinite else { return "-" }
        var magnitude = value.magnitude
        var unit = 0
        // Rounding must not show 1000k for 999.9k or 1024 KiB: compare with what will be printed.
        while unit < units.count - 1, magnitude.rounded() >= base {
            magnitude /= base
            unit += 1
        }
        let sign = value < 0 ? "-" : ""
        return sign + (unit == 0 && magnitude >= 10 ? String(Int(magnitude.rounded())) : decimal(magnitude)) + units[unit]
    }

    private static func decimal(_ value: Double) -> String {
        if value >= 99.95 { return String(Int(min(value, 1e15).rounded())) }
        let tenths = Int((value * 10).rounded())
        return tenths % 10 == 0 ? String(tenths / 10) : "\(tenths / 10).\(tenths % 10)"
    }

    package static func percent(_ fraction: Double) -> String {
        guard fraction.isFinite else { return "-" }
        return decimal(min(max(fraction, 0), 1e6) * 100) + "%"
    }

    /// A span of time in one or two units: `850ms`, `12s`, `3m20s`, `4h05m`, `12d`.
    package static func duration(milliseconds: Int64) -> String {
        let ms = max(0, milliseconds)
        if ms < 1000 { return "\(ms)ms" }
        let seconds = ms / 1000
        if seconds < 60 { return "\(seconds)s" }
        if seconds < 600 { return "\(seconds / 60)m\(padded(seconds % 60, 2))s" }
        if seconds < 3600 { return "\(seconds / 60)m" }
        if seconds < 86_400 { return "\(seconds / 3600)h" + (seconds / 60 % 60 == 0 ? "" : "\(padded(seconds / 60 % 60, 2))m") }
        if seconds < 864_000 { return "\(seconds / 86_400)d" + (seconds / 3600 % 24 == 0 ? "" : "\(seconds / 3600 % 24)h") }
        return "\(seconds / 86_400)d"
    }

    /// The age of `time` at `now`: `3s`, `5m`; `-` for no time.
    package static func age(_ time: Timestamp, now: Timestamp) -> String {
        guard time.milliseconds >= 0 else { return "-" }
        let ms = now.milliseconds - time.milliseconds
        if ms < 1000 { return "now" }
        return duration(milliseconds: ms)
    }
}
