/// A key as the user pressed it, whatever bytes the terminal sent for it.
package struct Key: Hashable, Sendable {
    package enum Code: Hashable, Sendable {
        case character(Unicode.Scalar)
        case enter, escape, tab, backTab, backspace, delete, insert
        case up, down, left, right, home, end, pageUp, pageDown
        case function(Int)
    }
    package struct Modifiers: OptionSet, Hashable, Sendable {
        package let rawValue: UInt8
        package init(rawValue: UInt8) { self.rawValue = rawValue }
        package static let control = Modifiers(rawValue: 1)
        package static let alt = Modifiers(rawValue: 2)
        /// Only with keys that are no characters: a shifted letter is its capital.
        package static let shift = Modifiers(rawValue: 4)
    }
    package var code: Code
    package var modifiers: Modifiers

    package init(_ code: Code, _ modifiers: Modifiers = []) {
        self.code = code
        self.modifiers = modifiers
    }

    package init(_ character: Unicode.Scalar) { self.init(.character(character)) }

    /// The key of a name such as `a`, `G`, `space`, `ctrl-d`, `alt-b`, `shift-left`, `f5`, `esc`; nil where it names none.
    package init?(name: String) {
        var modifiers: Modifiers = []
        var rest = Substring(name)
        while let dash = rest.firstIndex(of: "-"), dash != rest.startIndex, rest.index(after: dash) != rest.endIndex {
            switch rest[..<dash] {
            case "ctrl": modifiers.insert(.control)
            case "alt": modifiers.insert(.alt)
            case "shift": modifiers.insert(.shift)
            default: return nil
            }
            rest = rest[rest.index(after: dash)...]
        }
        if let special = Key.codes.first(where: { $0.0 == rest }) {
            self.init(special.1, modifiers)
        } else if let scalar = rest.unicodeScalars.first, rest.unicodeScalars.count == 1 {
            self.init(.character(scalar), modifiers)
        } else if rest.first == "f", let number = Int(rest.dropFirst()), (1...24).contains(number) {
            self.init(.function(number), modifiers)
        } else {
            return nil
        }
    }

    private static let codes: [(Substring, Code)] = [
        ("enter", .enter), ("esc", .escape), ("tab", .tab), ("backtab", .backTab), ("backspace", .backspace), ("delete", .delete),
        ("insert", .insert), ("up", .up), ("down", .down), ("left", .left), ("right", .right), ("home", .home), ("end", .end),
        ("pgup", .pageUp), ("pgdn", .pageDown), ("space", .character(" ")),
    ]

    /// The name that hints and help show, and that `init(name:)` reads.
    package var name: String {
        var out = ""
        if modifiers.contains(.control) { out += "ctrl-" }
        if modifiers.contains(.alt) { out += "alt-" }
        if modifiers.contains(.shift) { out += "shift-" }
        if let special = Key.codes.first(where: { $0.1 == code }) { return out + special.0 }
        switch code {
        case .character(let scalar): out.unicodeScalars.append(scalar)
        case .function(let number): out += "f\(number)"
        default: break
        }
        return out
    }
}

/// A press, a release or a turn of the wheel, in cells from the top left.
package struct MouseEvent: Equatable, Sendable {
    package enum Kind: Equatable, Sendable { case press, doublePress, wheelUp, wheelDown }
    package var kind: Kind
    package var column: Int
    package var row: Int

    package init(_ kind: Kind, column: Int, row: Int) {
        self.kind = kind
        self.column = column
        self.row = row
    }
}

/// What a terminal can tell.
package enum InputEvent: Equatable, Sendable {
    case key(Key)
    /// Pasted text, as one piece and not sanitised.
    case paste(String)
    case mouse(MouseEvent)
    case resize(width: Int, height: Int)
    /// The terminal is gone.
    case hangup
}
