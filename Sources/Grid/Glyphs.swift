/// The signs a screen is drawn with: once in Unicode, once in ASCII for terminals and fonts that have nothing else.
package struct Glyphs: Equatable, Sendable {
    package var isASCII: Bool
    package var horizontal, vertical, topLeft, topRight, bottomLeft, bottomRight: Unicode.Scalar
    package var teeLeft, teeRight: Unicode.Scalar
    package var ellipsis: Unicode.Scalar
    package var selected, marked: Unicode.Scalar
    package var up, down, right, left: Unicode.Scalar
    package var bullet, hollow, good, bad, warning: Unicode.Scalar
    package var barFull, barEmpty: Unicode.Scalar
    /// Eight rising levels, for sparklines.
    package var levels: [Unicode.Scalar]
    package var arrow: String
    package var separator: String
    /// Terminals without a font of their own, such as Linux's console, have blocks and no braille.
    package var hasBraille = true

    /// Unicode without braille.
    package static let blocks = {
        var glyphs = Glyphs.unicode
        glyphs.hasBraille = false
        return glyphs
    }()

    static let brailleBase: UInt32 = 0x2800
    /// The dots of a column that is so high, from the bottom.
    static let brailleLeft: [UInt32] = [0, 0x40, 0x44, 0x46, 0x47]
    static let brailleRight: [UInt32] = [0, 0x80, 0xA0, 0xB0, 0xB8]

    /// Of a braille scalar the eighth that its higher column reaches: 1 to 8; nil for any other scalar.
    static func brailleLevel(_ scalar: Unicode.Scalar) -> Int? {
        guard (0x2800...0x28FF).contains(scalar.value) else { return nil }
        let left = (scalar.value & 0x47).nonzeroBitCount
        let right = (scalar.value & 0xB8).nonzeroBitCount
        return Swift.max(1, Swift.max(left, right) * 2)
    }

    package static let unicode = Glyphs(
        isASCII: false, horizontal: "─", vertical: "│", topLeft: "┌", topRight: "┐", bottomLeft: "└", bottomRight: "┘",
        teeLeft: "├", teeRight: "┤", ellipsis: "…", selected: "▌", marked: "✓", up: "▲", down: "▼", right: "▶",
        left: "◀", bullet: "●", hollow: "○", good: "✓", bad: "✗", warning: "!", barFull: "█", barEmpty: "░",
        levels: ["▁", "▂", "▃", "▄", "▅", "▆", "▇", "█"], arrow: "→", separator: "·")

    package static let ascii = Glyphs(
        isASCII: true, horizontal: "-", vertical: "|", topLeft: "+", topRight: "+", bottomLeft: "+", bottomRight: "+", teeLeft: "+",
        teeRight: "+", ellipsis: "~", selected: ">", marked: "*", up: "^", down: "v", right: ">", left: "<", bullet: "*", hollow: "o",
        good: "+", bad: "x", warning: "!", barFull: "#", barEmpty: ".", levels: ["_", ".", ",", "-", "~", "=", "*", "#"], arrow: ">",
        separator: "|")

    /// What an ASCII screen shows for a scalar: its own sign for ours, a question mark for any other.
    static func standIn(for scalar: Unicode.Scalar) -> Unicode.Scalar {
        if let level = unicode.levels.firstIndex(of: scalar) { return ascii.levels[level] }
        if let level = brailleLevel(scalar) { return ascii.levels[level - 1] }
        switch scalar {
        case unicode.horizontal: return ascii.horizontal
        case unicode.vertical: return ascii.vertical
        case unicode.ellipsis: return ascii.ellipsis
        case unicode.selected: return ascii.selected
        case unicode.up: return ascii.up
        case unicode.down: return ascii.down
        case unicode.right, "→": return ascii.right
        case unicode.left: return ascii.left
        case unicode.bullet: return ascii.bullet
        case unicode.hollow: return ascii.hollow
        case unicode.good: return ascii.good
        case unicode.bad: return ascii.bad
        case unicode.barEmpty: return ascii.barEmpty
        case "▒": return "+"
        case "▓": return "%"
        case "·": return "|"
        default: return "?"
        }
    }
}
