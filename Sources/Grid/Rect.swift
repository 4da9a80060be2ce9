/// A rectangle of cells. Never negative: cutting more than there is leaves an empty rectangle, so that layout code can cut first and
/// let drawing clip.
package struct Rect: Equatable, Sendable {
    package let x: Int, y: Int, width: Int, height: Int

    package init(_ x: Int, _ y: Int, _ width: Int, _ height: Int) {
        self.x = x
        self.y = y
        self.width = max(0, width)
        self.height = max(0, height)
    }

    package var right: Int { x + width }
    package var bottom: Int { y + height }
    package var isEmpty: Bool { width == 0 || height == 0 }

    package func contains(_ column: Int, _ row: Int) -> Bool { column >= x && column < right && row >= y && row < bottom }

    package func intersection(_ other: Rect) -> Rect {
        let left = max(x, other.x)
        let top = max(y, other.y)
        return Rect(left, top, min(right, other.right) - left, min(bottom, other.bottom) - top)
    }

    package func inset(_ dx: Int, _ dy: Int) -> Rect { Rect(x + min(dx, width), y + min(dy, height), width - 2 * dx, height - 2 * dy) }

    /// The first `rows` rows, and what is below them.
    package func cutTop(_ rows: Int) -> (top: Rect, rest: Rect) {
        let n = min(max(0, rows), height)
        return (Rect(x, y, width, n), Rect(x, y + n, width, height - n))
    }

    /// The last `rows` rows, and what is above them.
    package func cutBottom(_ rows: Int) -> (rest: Rect, bottom: Rect) {
        let n = min(max(0, rows), height)
        return (Rect(x, y, width, height - n), Rect(x, y + height - n, width, n))
    }

    package func cutLeft(_ columns: Int) -> (left: Rect, rest: Rect) {
        let n = min(max(0, columns), width)
        return (Rect(x, y, n, height), Rect(x + n, y, width - n, height))
    }

    package func cutRight(_ columns: Int) -> (rest: Rect, right: Rect) {
        let n = min(max(0, columns), width)
        return (Rect(x, y, width - n, height), Rect(x + width - n, y, n, height))
    }

    /// A rectangle of that size in the middle of this one, cut to fit.
    package func centered(width w: Int, height h: Int) -> Rect {
        let cw = min(w, width)
        let ch = min(h, height)
        return Rect(x + (width - cw) / 2, y + (height - ch) / 2, cw, ch)
    }
}
