/// One cell of a screen: a scalar, the marks that combine with it, and what it means.
package struct Cell: Equatable, Sendable {
    package var base: Unicode.Scalar
    /// Combining marks upon `base`; at most `Grid.marksMax` of them.
    package var marks: String
    /// 1 or 2; 0 for the right half of a wide cell to the left.
    package var width: UInt8
    package var style: Style

    package static func blank(_ style: Style) -> Cell { Cell(base: " ", marks: "", width: 1, style: style) }
}

/// A picture of the screen as values: what views draw on, what tests read and what the terminal shell shows. Pure.
///
/// Invariants: (1) every row sums to `width` columns; a wide cell is followed by one of width 0, and drawing over half of a wide cell
/// blanks the other half. (2) Only scalars for which `Escape.isSafe` holds are in it, whatever a caller puts, so that nothing a
/// cluster sends can reach a terminal as a control sequence. (3) With ASCII glyphs every scalar is ASCII. Drawing outside is clipped.
package struct Grid: Equatable, Sendable {
    package let width: Int
    package let height: Int
    package let glyphs: Glyphs
    package private(set) var cells: [Cell]
    /// Where the terminal's cursor stands (column, row); nil hides it.
    package var cursor: Position?

    package struct Position: Equatable, Sendable {
        package var column: Int
        package var row: Int
        package init(_ column: Int, _ row: Int) {
            self.column = column
            self.row = row
        }
    }

    package static let marksMax = 3
    /// No screen is larger than this on a side; a terminal that claims more is drawn to this much.
    package static let sideMax = 1000

    package init(width: Int, height: Int, glyphs: Glyphs = .unicode, style: Style = Style(.text)) {
        self.width = min(max(0, width), Grid.sideMax)
        self.height = min(max(0, height), Grid.sideMax)
        self.glyphs = glyphs
        cells = Array(repeating: .blank(style), count: self.width * self.height)
    }

    package var bounds: Rect { Rect(0, 0, width, height) }

    package subscript(column: Int, row: Int) -> Cell { cells[row * width + column] }

    package func row(_ row: Int) -> ArraySlice<Cell> { cells[row * width..<(row + 1) * width] }

    // MARK: Drawing

    /// Writes `text` from (x, y) rightwards, clipped to `clip` (default: the whole grid). Returns the column after the last one.
    @discardableResult
    package mutating func put(_ x: Int, _ y: Int, _ text: String, _ style: Style, clip: Rect? = nil) -> Int {
        let area = clip.map { $0.intersection(bounds) } ?? bounds
        var column = x
        guard y >= area.y, y < area.bottom else { return x + TextWidth.of(text) }
        for scalar in text.unicodeScalars {
            let (drawn, columns) = presentable(scalar)
            if columns == 0 {
                addMark(scalar, before: column, y, area)
                continue
            }
            if column >= area.x && column + columns <= area.right {
                set(column, y, drawn, columns, style)
            } else if column < area.right && column + columns > area.x {
                blankClipped(column, columns, y, area, style)
            }
            column += columns
        }
        return column
    }

    @discardableResult
    package mutating func put(_ x: Int, _ y: Int, _ text: String, _ scope: Scope, clip: Rect? = nil) -> Int {
        put(x, y, text, Style(scope), clip: clip)
    }

    /// Writes spans one after another. Returns the column after the last one.
    @discardableResult
    package mutating func put(_ x: Int, _ y: Int, spans: [Span], clip: Rect? = nil) -> Int {
        var column = x
        for span in spans { column = put(column, y, span.text, span.style, clip: clip) }
        return column
    }

    package mutating func fill(_ rect: Rect, _ style: Style, _ scalar: Unicode.Scalar = " ") {
        let area = rect.intersection(bounds)
        let (drawn, columns) = presentable(scalar)
        guard columns == 1 else { return }
        for y in area.y..<max(area.y, area.bottom) {
            for x in area.x..<max(area.x, area.right) { set(x, y, drawn, 1, style) }
        }
    }

    /// Changes the style of what stands there, leaving the text.
    package mutating func restyle(_ rect: Rect, _ change: (Style) -> Style) {
        let area = rect.intersection(bounds)
        for y in area.y..<max(area.y, area.bottom) {
            for x in area.x..<max(area.x, area.right) { cells[y * width + x].style = change(cells[y * width + x].style) }
        }
    }

    /// A frame along the inside of `rect`.
    package mutating func box(_ rect: Rect, _ style: Style) {
        guard rect.width >= 2, rect.height >= 2 else { return }
        let horizontal = String(repeating: String(glyphs.horizontal), count: rect.width - 2)
        put(rect.x, rect.y, String(glyphs.topLeft) + horizontal + String(glyphs.topRight), style)
        put(rect.x, rect.bottom - 1, String(glyphs.bottomLeft) + horizontal + String(glyphs.bottomRight), style)
        for y in rect.y + 1..<rect.bottom - 1 {
            put(rect.x, y, String(glyphs.vertical), style)
            put(rect.right - 1, y, String(glyphs.vertical), style)
        }
    }

    // MARK: Cells

    private func presentable(_ scalar: Unicode.Scalar) -> (Unicode.Scalar, Int) {
        if !Escape.isSafe(scalar) { return (glyphs.isASCII ? "?" : "\u{FFFD}", 1) }
        let columns = TextWidth.of(scalar)
        if glyphs.isASCII && scalar.value > 0x7E { return (Glyphs.standIn(for: scalar), columns) }
        if !glyphs.hasBraille, let level = Glyphs.brailleLevel(scalar) { return (glyphs.levels[level - 1], 1) }
        return (scalar, columns)
    }

    private mutating func set(_ x: Int, _ y: Int, _ scalar: Unicode.Scalar, _ columns: Int, _ style: Style) {
        let index = y * width + x
        breakWide(x, y)
        if columns == 2 { breakWide(x + 1, y) }
        if columns == 2 && glyphs.isASCII {
            cells[index] = Cell(base: "?", marks: "", width: 1, style: style)
            cells[index + 1] = Cell(base: "?", marks: "", width: 1, style: style)
            return
        }
        cells[index] = Cell(base: scalar, marks: "", width: UInt8(columns), style: style)
        if columns == 2 { cells[index + 1] = Cell(base: " ", marks: "", width: 0, style: style) }
    }

    /// Blanks the other half of a wide cell of which (x, y) is about to be overwritten.
    private mutating func breakWide(_ x: Int, _ y: Int) {
        let index = y * width + x
        if cells[index].width == 0 {
            cells[index - 1] = .blank(cells[index - 1].style)
            cells[index] = .blank(cells[index].style)
        } else if cells[index].width == 2 {
            cells[index + 1] = .blank(cells[index + 1].style)
            cells[index] = .blank(cells[index].style)
        }
    }

    /// A wide scalar that the edge cuts in half shows as a blank.
    private mutating func blankClipped(_ x: Int, _ columns: Int, _ y: Int, _ area: Rect, _ style: Style) {
        for column in x..<x + columns where column >= area.x && column < area.right { set(column, y, " ", 1, style) }
    }

    private mutating func addMark(_ scalar: Unicode.Scalar, before column: Int, _ y: Int, _ area: Rect) {
        // Joiners and variation selectors would make terminals disagree about the width; see TextWidth.
        if glyphs.isASCII || scalar.value == 0x200C || scalar.value == 0x200D || (0xFE00...0xFE0F).contains(scalar.value) { return }
        var x = column - 1
        guard x >= area.x, x < area.right else { return }
        if cells[y * width + x].width == 0 { x -= 1 }
        guard x >= 0, cells[y * width + x].marks.unicodeScalars.count < Grid.marksMax else { return }
        cells[y * width + x].marks.unicodeScalars.append(scalar)
    }
}

extension Grid {
    /// The text of one row without trailing blanks.
    package func text(row y: Int) -> String {
        var out = ""
        for cell in row(y) where cell.width > 0 {
            out.unicodeScalars.append(cell.base)
            out += cell.marks
        }
        while out.last == " " { out.removeLast() }
        return out
    }

    package var rows: [String] { (0..<height).map { text(row: $0) } }

    /// The whole screen as lines, for goldens.
    package var text: String { rows.map { $0 + "\n" }.joined() }

    /// One line per row: the styles in it from left to right with their lengths, runs of the plain style written as `.`.
    package var styleRuns: String {
        var out = ""
        for y in 0..<height {
            var runs: [(Style, Int)] = []
            for cell in row(y) {
                if let last = runs.last, last.0 == cell.style { runs[runs.count - 1].1 += 1 } else { runs.append((cell.style, 1)) }
            }
            let line = runs.map { $0.0 == Style(.text) ? ".\($0.1)" : "\($0.0.name)*\($0.1)" }.joined(separator: " ")
            out += "\(y): \(line)\n"
        }
        return out
    }
}
