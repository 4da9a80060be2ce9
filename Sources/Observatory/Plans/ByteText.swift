/// Sizes and times in plans' sentences.
package enum ByteText {
    /// "1000", "800K", "50M", "1.5G": bytes, with units of 1024; nil for anything else.
    package static func parse(_ text: String) -> Int64? {
        var digits = Substring(text)
        var unit: Int64 = 1
        if let last = digits.last, let place = ["K", "M", "G", "T"].firstIndex(of: String(last).uppercased()) {
            digits = digits.dropLast()
            for _ in 0...place { unit *= 1024 }
        }
        let isNumber = !digits.isEmpty && digits.utf8.allSatisfy { ($0 >= 0x30 && $0 <= 0x39) || $0 == 0x2E }
        guard isNumber, let number = Double(digits), number.isFinite, number * Double(unit) < 9e18 else { return nil }
        return Int64(number * Double(unit))
    }

    package static func text(_ bytes: Int64) -> String {
        let units = ["B", "KiB", "MiB", "GiB", "TiB", "PiB", "EiB"]
        var value = Double(bytes)
        var unit = 0
        while value >= 1024 && unit < units.count - 1 {
            value /= 1024
            unit += 1
        }
        if unit == 0 { return "\(bytes) B" }
        let tenths = Int64((value * 10).rounded())
        return value >= 100 ? "\(tenths / 10) \(units[unit])" : "\(tenths / 10).\(tenths % 10) \(units[unit])"
    }

    static func duration(seconds: Int64) -> String {
        switch seconds {
        case ..<1: "under a second"
        case ..<60: "\(seconds) s"
        case ..<3600: "\(seconds / 60) min \(seconds % 60) s"
        default: "\(seconds / 3600) h \(seconds % 3600 / 60) min"
        }
    }
}

extension Int64 {
    func multipliedClamped(by other: Int64) -> Int64 {
        let (product, overflow) = multipliedReportingOverflow(by: other)
        return overflow ? .max : product
    }
}
