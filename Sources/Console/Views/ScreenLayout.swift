import Grid
import Observatory

/// How the screen is divided. Made from its size alone, so that drawing, scrolling and the mouse agree.
package struct ScreenLayout: Equatable, Sendable {
    package var header: Rect
    package var body: Rect
    /// The trail, a flash or a prompt.
    package var bottom: Rect
    package var isTooSmall: Bool

    package static let widthMin = 40
    package static let heightMin = 10
    /// From this size on the header is the tall one.
    static let tallHeaderWidth = 100
    static let tallHeaderHeight = 32

    package init(width: Int, height: Int, showsHeader: Bool, showsCrumbs: Bool) {
        let screen = Rect(0, 0, width, height)
        isTooSmall = width < ScreenLayout.widthMin || height < ScreenLayout.heightMin
        let isTall = width >= ScreenLayout.tallHeaderWidth && height >= ScreenLayout.tallHeaderHeight
        let top = screen.cutTop(showsHeader ? (isTall ? 6 : 2) : 0)
        header = top.top
        let rest = top.rest.cutBottom(showsCrumbs ? 1 : 0)
        body = rest.rest
        bottom = showsCrumbs ? rest.bottom : Rect(0, max(0, height - 1), width, min(1, height))
    }

    var isTall: Bool { header.height > 2 }
}

extension Console {
    package var layout: ScreenLayout { layout(width, height) }

    func layout(_ width: Int, _ height: Int) -> ScreenLayout {
        ScreenLayout(width: width, height: height, showsHeader: showsHeader && !isFullscreen, showsCrumbs: showsCrumbs && !isFullscreen)
    }

    /// Where the view's panels are; empty for those that a small screen leaves out.
    func panelAreas(_ body: Rect) -> [Rect] {
        switch place {
        case .overview: return overviewAreas(body).panels
        case .group: return groupAreas(body)
        case .topic: return stacked(body, below: tables.count > 1 ? tables[1].count : 0, least: 14)
        case .brokers, .features: return stackedUnder(body, above: tables.first?.count ?? 0)
        default: return [body]
        }
    }

    /// Rows of a table in a panel: without frame and column titles.
    func visibleRows(_ area: Rect) -> Int { max(0, area.height - 3) }

    /// A group's summary lines stand above its panels; with room both panels show, else the one with the keyboard.
    private func groupAreas(_ body: Rect) -> [Rect] {
        let rest = body.cutTop(groupSummaryHeight(body)).rest
        let members = tables.count > 1 ? tables[1].count : 0
        if rest.height >= 18 {
            let split = rest.cutBottom(min(max(5, members + 3), rest.height / 2))
            return [split.rest, split.bottom]
        }
        return view.panel == 0 ? [rest, Rect(0, 0, 0, 0)] : [Rect(0, 0, 0, 0), rest]
    }

    /// Two panels where there is room for both, else the one with the keyboard. The lower one is as high as its rows.
    private func stacked(_ body: Rect, below: Int, least: Int) -> [Rect] {
        guard body.height >= least else { return focusedOnly(body) }
        let split = body.cutBottom(min(max(4, below + 3), body.height / 2))
        return [split.rest, split.bottom]
    }

    /// The upper one is as high as its rows.
    private func stackedUnder(_ body: Rect, above: Int) -> [Rect] {
        guard body.height >= 14 else { return focusedOnly(body) }
        let split = body.cutTop(min(max(6, above + 3), body.height * 2 / 3))
        return [split.top, split.rest]
    }

    private func focusedOnly(_ body: Rect) -> [Rect] {
        view.panel == 0 ? [body, Rect(0, 0, 0, 0)] : [Rect(0, 0, 0, 0), body]
    }

    func groupSummaryHeight(_ body: Rect) -> Int { body.height >= 14 ? 2 : 0 }

    struct OverviewAreas {
        /// Brokers, busiest topics, top lag, events.
        var panels: [Rect]
        var health: Rect
    }

    func overviewAreas(_ body: Rect) -> OverviewAreas {
        let brokers = snapshot.brokers.count
        let strip = body.cutTop(min(max(6, min(brokers + 3, 9)), max(6, body.height / 3)))
        if body.height < 12 { return OverviewAreas(panels: [.none, .none, .none, strip.rest], health: strip.top) }
        let middle = strip.rest.cutTop(max(5, strip.rest.height / 2))
        let isWide = body.width >= 150
        let left = body.width / 2
        let top = strip.top.cutLeft(left)
        if isWide {
            let third = middle.top.cutLeft(left)
            return OverviewAreas(panels: [top.left, third.left, third.rest, middle.rest], health: top.rest)
        }
        let halves = middle.top.cutLeft(left)
        return OverviewAreas(panels: [top.left, halves.left, halves.rest, middle.rest], health: top.rest)
    }
}

extension Rect {
    fileprivate static let none = Rect(0, 0, 0, 0)
}
