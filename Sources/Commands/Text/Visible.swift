import Primitives

/// Text from a cluster made safe for a terminal: controls, escapes and bidirectional overrides are shown as escapes and not obeyed.
/// Line ends and tabs stay where `keepingLines` says so.
package func visible(_ text: String, keepingLines: Bool = false) -> String {
    guard text.unicodeScalars.contains(where: { isUnsafe($0) }) else { return text }
    var out = ""
    for scalar in text.unicodeScalars {
        if !isUnsafe(scalar) || (keepingLines && (scalar == "\n" || scalar == "\t")) {
            out.unicodeScalars.append(scalar)
        } else {
            out += escape(scalar)
        }
    }
    return out
}

/// Bytes from a cluster made safe for a terminal; what is not UTF-8 is shown as `\xNN`.
package func visible(_ bytes: Bytes) -> String {
    if let text = bytes.string { return visible(text, keepingLines: true) }
    var out = ""
    for byte in bytes.array {
        if byte >= 0x20 && byte < 0x7f || byte == 0x0a || byte == 0x09 {
            out.unicodeScalars.append(Unicode.Scalar(byte))
        } else {
            out += "\\x" + hexadecimal(byte, 2)
        }
    }
    return out
}

private func isUnsafe(_ scalar: Unicode.Scalar) -> Bool {
    switch scalar.value {
    case 0x00..<0x20, 0x7f..<0xa0: true
    case 0x200e, 0x200f, 0x202a...0x202e, 0x2066...0x2069, 0x2028, 0x2029, 0xfeff: true
    default: false
    }
}

private func escape(_ scalar: Unicode.Scalar) -> String {
    switch scalar.value {
    case 0x0a: "\\n"
    case 0x0d: "\\r"
    case 0x09: "\\t"
    case 0x1b: "\\e"
    case 0..<0x100: "\\x" + hexadecimal(scalar.value, 2)
    default: "\\u{" + hexadecimal(scalar.value, 4) + "}"
    }
}
