import Grid

/// One line of editable text with readline's emacs keys. The cursor counts scalars.
package struct TextField: Equatable, Sendable {
    private var scalars: [Unicode.Scalar]
    package private(set) var cursor: Int
    private var killed: [Unicode.Scalar] = []

    /// Longer input is cut: nothing a user types here is longer.
    package static let lengthMax = 4096

    package init(_ text: String = "") {
        scalars = Array(text.unicodeScalars.prefix(TextField.lengthMax))
        cursor = scalars.count
    }

    package var text: String {
        get { String(String.UnicodeScalarView(scalars)) }
        set {
            scalars = Array(newValue.unicodeScalars.prefix(TextField.lengthMax))
            cursor = scalars.count
        }
    }
    package var isEmpty: Bool { scalars.isEmpty }
    package var isAtEnd: Bool { cursor == scalars.count }
    /// Columns before the cursor.
    package var cursorColumn: Int { scalars[..<cursor].reduce(0) { $0 + TextWidth.of($1) } }

    /// Inserts text where the cursor is; line breaks become spaces and controls are dropped.
    package mutating func insert(_ text: String) {
        var clean: [Unicode.Scalar] = []
        for scalar in text.unicodeScalars {
            if scalar == "\n" || scalar == "\t" { clean.append(" ") } else if Escape.isSafe(scalar) { clean.append(scalar) }
        }
        let room = max(0, TextField.lengthMax - scalars.count)
        scalars.insert(contentsOf: clean.prefix(room), at: cursor)
        cursor += min(room, clean.count)
    }

    /// Whether the key was one that edits or moves.
    package mutating func handle(_ key: Key) -> Bool {
        switch (key.code, key.modifiers) {
        case (.character(let scalar), []): insert(String(Character(scalar)))
        case (.character(let scalar), .control): return control(scalar)
        case (.character("b"), .alt), (.left, .control): cursor = wordStart()
        case (.character("f"), .alt), (.right, .control): cursor = wordEnd()
        case (.character("d"), .alt): kill(cursor, wordEnd())
        case (.backspace, .alt): kill(wordStart(), cursor)
        case (.left, []): cursor = max(0, cursor - 1)
        case (.right, []): cursor = min(scalars.count, cursor + 1)
        case (.home, []): cursor = 0
        case (.end, []): cursor = scalars.count
        case (.backspace, []): if cursor > 0 { remove(cursor - 1) }
        case (.delete, []): if cursor < scalars.count { remove(cursor) }
        default: return false
        }
        return true
    }

    private mutating func control(_ scalar: Unicode.Scalar) -> Bool {
        switch scalar {
        case "a": cursor = 0
        case "e": cursor = scalars.count
        case "b": cursor = max(0, cursor - 1)
        case "f": cursor = min(scalars.count, cursor + 1)
        case "d": if cursor < scalars.count { remove(cursor) }
        case "h": if cursor > 0 { remove(cursor - 1) }
        case "k": kill(cursor, scalars.count)
        case "u": kill(0, cursor)
        case "w": kill(spaceStart(), cursor)
        case "y":
            scalars.insert(contentsOf: killed, at: cursor)
            cursor += killed.count
        default: return false
        }
        return true
    }

    private mutating func remove(_ index: Int) {
        scalars.remove(at: index)
        if index < cursor { cursor -= 1 }
    }

    private mutating func kill(_ from: Int, _ to: Int) {
        guard from < to else { return }
        killed = Array(scalars[from..<to])
        scalars.removeSubrange(from..<to)
        cursor = from
    }

    private func isWord(_ index: Int) -> Bool { scalars[index].properties.isAlphabetic || ("0"..."9").contains(scalars[index]) }

    private func wordStart() -> Int {
        var index = cursor
        while index > 0, !isWord(index - 1) { index -= 1 }
        while index > 0, isWord(index - 1) { index -= 1 }
        return index
    }

    private func wordEnd() -> Int {
        var index = cursor
        while index < scalars.count, !isWord(index) { index += 1 }
        while index < scalars.count, isWord(index) { index += 1 }
        return index
    }

    private func spaceStart() -> Int {
        var index = cursor
        while index > 0, scalars[index - 1] == " " { index -= 1 }
        while index > 0, scalars[index - 1] != " " { index -= 1 }
        return index
    }
}
