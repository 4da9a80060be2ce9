/// Small pictures of numbers, one row high.
package enum Charts {
    /// The last `width` values as rising blocks, scaled from zero to `top` (default: the largest value). Older values stand to the left;
    /// where there are fewer values than columns, the left stays blank.
    package static func sparkline(_ values: [Double], width: Int, top: Double? = nil, _ glyphs: Glyphs = .unicode) -> String {
        guard width > 0 else { return "" }
        let shown = values.suffix(width)
        let highest = Swift.max(top ?? 0, shown.filter(\.isFinite).max() ?? 0)
        var out = String(repeating: " ", count: width - shown.count)
        for value in shown { out.unicodeScalars.append(level(value, highest, glyphs)) }
        return out
    }

    private static func level(_ value: Double, _ highest: Double, _ glyphs: Glyphs) -> Unicode.Scalar {
        guard value.isFinite, value > 0, highest > 0 else { return glyphs.levels[0] }
        let index = Int((value / highest * Double(glyphs.levels.count)).rounded(.up)) - 1
        return glyphs.levels[Swift.min(Swift.max(0, index), glyphs.levels.count - 1)]
    }

    /// The same in braille, two values to a column and four dots high. What cannot show braille shows blocks or ASCII in its place.
    package static func braille(_ values: [Double], width: Int, top: Double? = nil) -> String {
        guard width > 0 else { return "" }
        var shown = Array(values.suffix(width * 2))
        if shown.count % 2 == 1 { shown.insert(0, at: 0) }
        let highest = Swift.max(top ?? 0, shown.filter(\.isFinite).max() ?? 0)
        var out = String(repeating: " ", count: width - shown.count / 2)
        for index in stride(from: 0, to: shown.count, by: 2) {
            let dots = Glyphs.brailleLeft[height(shown[index], highest)] | Glyphs.brailleRight[height(shown[index + 1], highest)]
            if let scalar = Unicode.Scalar(Glyphs.brailleBase + dots) { out.unicodeScalars.append(scalar) }
        }
        return out
    }

    /// Dots from the bottom, 1 to 4.
    private static func height(_ value: Double, _ highest: Double) -> Int {
        guard value.isFinite, value > 0, highest > 0 else { return 1 }
        return Swift.min(4, Swift.max(1, Int((value / highest * 4).rounded(.up))))
    }

    /// How many of `width` columns a bar of that fraction fills; at least one when anything is there.
    package static func filled(_ fraction: Double, width: Int) -> Int {
        guard fraction.isFinite, fraction > 0, width > 0 else { return 0 }
        return Swift.min(width, Swift.max(1, Int((fraction * Double(width)).rounded())))
    }
}
