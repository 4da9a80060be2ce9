/// A table's column as its view describes it once.
package struct Column: Equatable, Sendable {
    package var title: String
    package var right: Bool
    /// The least it may shrink to before it is left out; its title counts too.
    package var min: Int
    /// The most it takes however long its content.
    package var max: Int
    /// 0 is never left out; the highest number goes first when the screen is narrow.
    package var priority: Int
    /// Takes the room that is left over, and gives first when there is too little.
    package var grows: Bool

    package init(_ title: String, right: Bool = false, min: Int = 3, max: Int = 60, priority: Int = 0, grows: Bool = false) {
        self.title = title
        self.right = right
        self.min = min
        self.max = max
        self.priority = priority
        self.grows = grows
    }
}

/// Which columns are shown, where and how wide.
package struct TableLayout: Equatable, Sendable {
    package struct Slot: Equatable, Sendable {
        /// Index into the columns given.
        package var column: Int
        package var x: Int
        package var width: Int

        package init(column: Int, x: Int, width: Int) {
            self.column = column
            self.x = x
            self.width = width
        }
    }
    package var slots: [Slot]

    /// A column that is never left out is not shrunk below its content, up to this.
    static let wholeMax = 22

    package init(slots: [Slot]) { self.slots = slots }

    /// Fits columns into `width`. `natural` holds the widest content of each column.
    ///
    /// All columns at their least width that fit are taken, those of high priority number left out first; then each grows to its
    /// natural width in order of priority; then gaps widen a little; what is left goes to the columns that grow.
    package static func fit(_ columns: [Column], natural: [Int], width: Int) -> TableLayout {
        let wanted: [Int] = columns.indices.map { i in
            Swift.max(TextWidth.of(columns[i].title) + 1, Swift.min(Swift.max(natural[i], columns[i].min), columns[i].max))
        }
        // A number with its end cut off would be a lie: numbers are shown whole or not at all. What is never left out (a state, as a
        // rule) is readable, at the cost of columns that matter less. Other text may shrink.
        let least: [Int] = columns.indices.map { i in
            if columns[i].right { return wanted[i] }
            if columns[i].priority == 0 && !columns[i].grows { return Swift.min(wanted[i], wholeMax) }
            let bare = columns[i].grows ? 3 : TextWidth.of(columns[i].title) + 1
            return Swift.min(wanted[i], Swift.max(columns[i].min, bare))
        }
        var kept = Array(columns.indices)
        func total(_ widths: [Int], _ gap: Int) -> Int { kept.reduce(0) { $0 + widths[$1] } + gap * Swift.max(0, kept.count - 1) }
        while kept.count > 1, total(least, 1) > width, let worst = kept.map({ columns[$0].priority }).max(), worst > 0 {
            kept.remove(at: kept.lastIndex { columns[$0].priority == worst } ?? kept.count - 1)
        }
        var widths = least
        var room = width - total(least, 1)
        func rank(_ i: Int) -> (Int, Int, Int) { (columns[i].grows ? 1 : 0, columns[i].priority, i) }
        for index in kept.sorted(by: { rank($0) < rank($1) }) where room > 0 {
            let step = Swift.min(room, wanted[index] - widths[index])
            widths[index] += step
            room -= step
        }
        var gap = 1
        while gap < 3, kept.count > 1, room >= kept.count - 1 {
            gap += 1
            room -= kept.count - 1
        }
        let growing = kept.filter { columns[$0].grows }
        for (i, index) in growing.enumerated() {
            // A short name does not drift a screen's width from its numbers: it grows to at most twice what it needs.
            let share = Swift.max(0, room) / (growing.count - i)
            let step = Swift.min(share, Swift.max(wanted[index], 24))
            widths[index] += step
            room -= step
        }
        return place(kept, widths, gap, width)
    }

    private static func place(_ kept: [Int], _ widths: [Int], _ gap: Int, _ width: Int) -> TableLayout {
        var slots: [Slot] = []
        var x = 0
        for index in kept {
            let fitted = Swift.min(widths[index], width - x)
            if fitted <= 0 { break }
            slots.append(Slot(column: index, x: x, width: fitted))
            x += fitted + gap
        }
        return TableLayout(slots: slots)
    }
}
