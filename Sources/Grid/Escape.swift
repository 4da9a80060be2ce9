import Primitives

/// Makes text from a cluster harmless for a terminal and honest for a reader: what would move the cursor, start an escape sequence,
/// reorder the line or hide is spelled out instead of sent.
package enum Escape {
    /// Whether a scalar may stand on a screen as it is.
    package static func isSafe(_ scalar: Unicode.Scalar) -> Bool {
        let value = scalar.value
        if value < 0x20 || (value >= 0x7F && value < 0xA0) { return false }
        if value < 0x300 { return value != 0xAD }
        switch value {
        case 0x061C, 0x180E, 0x200B, 0x200E, 0x200F, 0x2028...0x202E, 0x2060...0x206F, 0xFEFF, 0xFFF9...0xFFFB: return false
        case 0xE0000...0xE0FFF, 0xE000...0xF8FF, 0xF0000...0x10FFFF: return false
        default: return (value & 0xFFFE) != 0xFFFE && !(value >= 0xFDD0 && value <= 0xFDEF)
        }
    }

    /// The text on one line, controls as `^[`, `\n`, `\t` and the rest as `<U+202E>`.
    package static func line(_ text: String) -> String {
        var out = ""
        var clean = true
        for scalar in text.unicodeScalars where !isSafe(scalar) {
            clean = false
            break
        }
        if clean { return text }
        for scalar in text.unicodeScalars { append(scalar, to: &out) }
        return out
    }

    /// Bytes as one line: text where it is UTF-8, each byte that is not as `\xFF`.
    package static func line(_ bytes: Bytes) -> String {
        if let text = bytes.string { return line(text) }
        var out = ""
        var rest = bytes.array[...]
        while !rest.isEmpty {
            let good = wellFormedPrefix(rest)
            if good > 0 {
                out += line(String(decoding: rest.prefix(good), as: UTF8.self))
                rest = rest.dropFirst(good)
            } else if let byte = rest.popFirst() {
                out += "\\x" + hexDigits(UInt32(byte), 2)
            }
        }
        return out
    }

    /// The text as lines: broken at newlines, a tab to the next multiple of four columns, everything else as in `line`.
    package static func lines(_ text: String) -> [String] {
        var out: [String] = []
        var current = ""
        var column = 0
        for scalar in text.unicodeScalars {
            switch scalar {
            case "\n":
                out.append(current)
                current = ""
                column = 0
            case "\t":
                let pad = 4 - column % 4
                current += String(repeating: " ", count: pad)
                column += pad
            case "\r": break
            default: column += append(scalar, to: &current)
            }
        }
        out.append(current)
        return out
    }

    /// Returns the columns that were added, as far as tabs care: one for each scalar.
    @discardableResult
    private static func append(_ scalar: Unicode.Scalar, to out: inout String) -> Int {
        if isSafe(scalar) {
            out.unicodeScalars.append(scalar)
            return 1
        }
        let spelled = spelling(scalar)
        out += spelled
        return spelled.utf8.count
    }

    private static func spelling(_ scalar: Unicode.Scalar) -> String {
        switch scalar.value {
        case 0x09: return "\\t"
        case 0x0A: return "\\n"
        case 0x0D: return "\\r"
        case 0x7F: return "^?"
        case 0..<0x20: return "^" + String(Character(Unicode.Scalar(UInt8(scalar.value) + 0x40)))
        default: return "<U+" + hexDigits(scalar.value, 4) + ">"
        }
    }

    package static func hexDigits(_ value: UInt32, _ width: Int) -> String {
        let digits = String(value, radix: 16, uppercase: true)
        return String(repeating: "0", count: max(0, width - digits.utf8.count)) + digits
    }

    /// How many bytes at the start form one well-formed scalar; 0 where the first byte does not begin one.
    private static func wellFormedPrefix(_ bytes: ArraySlice<UInt8>) -> Int {
        guard let first = bytes.first else { return 0 }
        let length = first < 0x80 ? 1 : first < 0xC2 ? 0 : first < 0xE0 ? 2 : first < 0xF0 ? 3 : first < 0xF5 ? 4 : 0
        guard length > 0, bytes.count >= length else { return 0 }
        let candidate = Array(bytes.prefix(length))
        return String(validating: candidate, as: UTF8.self) == nil ? 0 : length
    }
}
