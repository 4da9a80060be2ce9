/// How one scope looks.
package struct Look: Equatable, Sendable {
    package var foreground: Color
    package var background: Color
    package var modifiers: Modifiers

    package init(_ foreground: Color, _ background: Color, _ modifiers: Modifiers = []) {
        self.foreground = foreground
        self.background = background
        self.modifiers = modifiers
    }
}

/// A tree of settings as a skin file spells it, whatever its syntax: the shell reads the file, this target knows what it means.
package indirect enum SkinTree: Equatable, Sendable {
    case text(String)
    case list([SkinTree])
    case map([(key: String, value: SkinTree)])

    package static func == (a: SkinTree, b: SkinTree) -> Bool {
        switch (a, b) {
        case (.text(let x), .text(let y)): return x == y
        case (.list(let x), .list(let y)): return x == y
        case (.map(let x), .map(let y)): return x.count == y.count && zip(x, y).allSatisfy { $0.key == $1.key && $0.value == $1.value }
        default: return false
        }
    }

    package subscript(key: String) -> SkinTree? {
        guard case .map(let entries) = self else { return nil }
        return entries.last { $0.key == key }?.value
    }

    package func at(_ path: String) -> SkinTree? {
        var node: SkinTree? = self
        for key in path.split(separator: ".") { node = node?[String(key)] }
        return node
    }

    package var string: String? {
        guard case .text(let value) = self else { return nil }
        return value
    }
}

/// Looks for every scope. Read from a skin in k9s's format; what a skin leaves out is derived from what it has, so that every k9s skin
/// gives a complete theme.
package struct Theme: Equatable, Sendable {
    package var name: String
    private var looks: [Look]

    package subscript(scope: Scope) -> Look { looks[Int(scope.rawValue)] }

    /// Colours with a name we do not know, by path; empty for a sound skin.
    package private(set) var problems: [String] = []

    /// The terminal's own colours and attributes only: for terminals without colour, and for NO_COLOR.
    package static let monochrome = Theme(
        name: "monochrome", looks: Scope.allCases.map { Look(.terminal, .terminal, Theme.monochromeModifiers($0)) })

    private init(name: String, looks: [Look]) {
        self.name = name
        self.looks = looks
    }

    /// Emphasis that stands in for colour, or goes with it.
    private static func monochromeModifiers(_ scope: Scope) -> Modifiers {
        switch scope {
        case .context, .rowSelected, .buttonFocus, .crumbActive, .match, .flashError, .flashWarning, .dialogFieldFocus: return .reverse
        case .brand, .title, .titleHighlight, .tableHeader, .menuKey, .rowMarked, .warning, .failure, .doomed, .label, .borderFocus,
            .tableSorter, .jsonKey, .dialogLabel, .dialogTitle, .dialogWarning, .dialogFailure:
            return .bold
        case .muted, .promptSuggestion, .finished: return .dim
        case .button, .dialogField: return .underline
        default: return []
        }
    }

    /// With a context's colour: its name stands in a block of it, in black or white, whichever can be read.
    package func coloured(context color: Color?) -> Theme {
        guard let color, name != Theme.monochrome.name else { return self }
        var theme = self
        let parts = color.components ?? (0, 0, 0)
        let isBright = parts.red * 299 + parts.green * 587 + parts.blue * 114 > 128_000
        theme.looks[Int(Scope.context.rawValue)] = Look(.indexed(isBright ? 0 : 15), color, .bold)
        return theme
    }

    package init(name: String, skin: SkinTree) {
        var reader = SkinReader(root: skin["k9s"] ?? skin)
        looks = Theme.resolve(&reader)
        self.name = name
        problems = reader.problems
    }

    private static func resolve(_ skin: inout SkinReader) -> [Look] {
        let body = Look(skin.color(["body.fgColor"], .terminal), skin.color(["body.bgColor"], .terminal))
        let table = tableLooks(&skin, body)
        let chrome = chromeLooks(&skin, body)
        let status = statusLooks(&skin, table[.row] ?? body)
        let dialog = dialogLooks(&skin, body)
        let data = dataLooks(&skin, body)
        return Scope.allCases.map { scope in
            let look = table[scope] ?? chrome[scope] ?? status[scope] ?? dialog[scope] ?? data[scope] ?? body
            return standsOut(scope, look, body)
        }
    }

    /// What shows a selection must differ from what is around it, whatever a skin leaves out.
    private static func standsOut(_ scope: Scope, _ look: Look, _ body: Look) -> Look {
        guard [.rowSelected, .buttonFocus, .dialogFieldFocus, .crumbActive].contains(scope), look.background == body.background else {
            return look
        }
        return Look(body.foreground, body.background, [.reverse, .bold])
    }

    private static func tableLooks(_ skin: inout SkinReader, _ body: Look) -> [Scope: Look] {
        let foreground = skin.color(["views.table.fgColor"], body.foreground)
        let background = body.background
        let header = skin.color(["views.table.header.fgColor"], body.foreground)
        // A skin whose rows are the colour of their cursor would hide the selection; k9s has the same two keys.
        let cursorBack = skin.color(["views.table.cursorBgColor", "views.table.cursorColor"], foreground)
        let cursorFront = skin.color(["views.table.cursorFgColor"], skin.color(["body.bgColor"], .indexed(0)))
        return [
            .row: Look(foreground, background),
            .rowSelected: Look(cursorFront, cursorBack == cursorFront ? foreground : cursorBack, .bold),
            .rowMarked: Look(skin.color(["views.table.markColor"], .indexed(3)), background, .bold),
            .tableHeader: Look(header, background, .bold),
            .tableSorter: Look(skin.color(["views.table.header.sorterColor"], header), background, .bold),
        ]
    }

    private static func chromeLooks(_ skin: inout SkinReader, _ body: Look) -> [Scope: Look] {
        let back = body.background
        let border = skin.color(["frame.border.fgColor"], body.foreground)
        let title = skin.color(["frame.title.fgColor"], body.foreground)
        let menu = skin.color(["frame.menu.fgColor"], body.foreground)
        let key = skin.color(["frame.menu.keyColor"], title)
        let crumbFront = skin.color(["frame.crumbs.fgColor"], body.background == .terminal ? .indexed(0) : body.background)
        let crumbBack = skin.color(["frame.crumbs.bgColor"], border)
        let prompt = skin.color(["prompt.fgColor"], body.foreground)
        // A block of the text's colour; where that is the terminal's own, only the terminal can turn it round.
        let info = skin.color(["info.fgColor"], body.foreground)
        let block = info == .terminal ? Look(info, back, [.bold, .reverse]) : Look(back == .terminal ? .indexed(0) : back, info, .bold)
        return [
            .context: block,
            .brand: Look(skin.color(["body.logoColor"], title), back, .bold),
            .label: Look(skin.color(["info.sectionColor"], body.foreground), back),
            .value: Look(skin.color(["info.fgColor"], body.foreground), back),
            .border: Look(border, back),
            .borderFocus: Look(skin.color(["frame.border.focusColor"], border), back),
            .title: Look(title, back, .bold),
            .titleHighlight: Look(skin.color(["frame.title.highlightColor"], title), back, .bold),
            .titleCounter: Look(skin.color(["frame.title.counterColor"], title), back),
            .titleFilter: Look(skin.color(["frame.title.filterColor"], title), back),
            .menuKey: Look(key, back, .bold),
            .menuNumber: Look(skin.color(["frame.menu.numKeyColor"], key), back, .bold),
            .menuText: Look(menu, back),
            .crumb: Look(crumbFront, crumbBack),
            .crumbActive: Look(crumbFront, skin.color(["frame.crumbs.activeColor"], crumbBack), .bold),
            .prompt: Look(prompt, back),
            .promptSuggestion: Look(skin.color(["prompt.suggestColor"], prompt), back, .dim),
            .muted: Look(skin.color(["frame.status.completedColor"], body.foreground), back),
        ]
    }

    private static func statusLooks(_ skin: inout SkinReader, _ row: Look) -> [Scope: Look] {
        let back = row.background
        let failure = skin.color(["frame.status.errorColor"], .indexed(9))
        let warning = skin.color(["frame.status.pendingColor"], skin.color(["frame.status.modifyColor"], .indexed(11)))
        let highlight = skin.color(["frame.status.highlightColor"], row.foreground)
        return [
            .good: Look(skin.color(["frame.status.addColor"], row.foreground), back),
            .fresh: Look(skin.color(["frame.status.newColor"], highlight), back),
            .pending: Look(skin.color(["frame.status.modifyColor"], warning), back),
            .warning: Look(warning, back, .bold),
            .failure: Look(failure, back, .bold),
            .finished: Look(skin.color(["frame.status.completedColor"], row.foreground), back),
            .highlight: Look(highlight, back, .bold),
            .doomed: Look(skin.color(["frame.status.killColor"], failure), back),
            .flashInfo: Look(skin.color(["frame.status.newColor"], row.foreground), back),
            .flashWarning: Look(warning, back, .bold),
            .flashError: Look(failure, back, .bold),
        ]
    }

    private static func dialogLooks(_ skin: inout SkinReader, _ body: Look) -> [Scope: Look] {
        let front = skin.color(["dialog.fgColor"], body.foreground)
        let back = skin.color(["dialog.bgColor"], body.background)
        let label = skin.color(["dialog.labelFgColor"], front)
        let field = skin.color(["dialog.fieldFgColor"], front)
        let focusFront = skin.color(["dialog.buttonFocusFgColor"], .indexed(0))
        let focusBack = skin.color(["dialog.buttonFocusBgColor"], front)
        return [
            .dialog: Look(front, back),
            .dialogTitle: Look(front, back, .bold),
            .dialogGood: Look(skin.color(["frame.status.addColor"], front), back),
            .dialogWarning: Look(skin.color(["frame.status.pendingColor", "frame.status.modifyColor"], .indexed(11)), back, .bold),
            .dialogFailure: Look(skin.color(["frame.status.errorColor"], .indexed(9)), back, .bold),
            .dialogBorder: Look(skin.color(["frame.border.focusColor", "frame.border.fgColor"], front), back),
            .dialogLabel: Look(label, back),
            .dialogField: Look(field, back, .underline),
            .dialogFieldFocus: Look(focusFront, focusBack),
            .button: Look(skin.color(["dialog.buttonFgColor"], back), skin.color(["dialog.buttonBgColor"], front)),
            .buttonFocus: Look(focusFront, focusBack, .bold),
        ]
    }

    private static func dataLooks(_ skin: inout SkinReader, _ body: Look) -> [Scope: Look] {
        let back = body.background
        let log = skin.color(["views.logs.fgColor"], body.foreground)
        let indicator = skin.color(["views.logs.indicator.fgColor"], log)
        let key = skin.color(["views.yaml.keyColor"], body.foreground)
        let value = skin.color(["views.yaml.valueColor"], body.foreground)
        let highlight = skin.color(["frame.status.highlightColor"], value)
        let charts = skin.colors("views.charts.defaultChartColors")
        let first = charts.first ?? skin.color(["views.charts.fgColor", "frame.status.newColor"], key)
        let matchBack = skin.color(["frame.title.highlightColor", "frame.status.highlightColor"], .indexed(11))
        return [
            .log: Look(log, back),
            .logIndicator: Look(skin.color(["views.logs.indicator.toggleOnColor"], indicator), back, .bold),
            .logIndicatorOff: Look(skin.color(["views.logs.indicator.toggleOffColor", "frame.status.completedColor"], log), back),
            .jsonKey: Look(key, back),
            .jsonPunctuation: Look(skin.color(["views.yaml.colonColor"], log), back),
            .jsonString: Look(value, back),
            .jsonNumber: Look(highlight, back),
            .jsonWord: Look(skin.color(["frame.status.modifyColor"], highlight), back),
            .match: Look(back == .terminal ? .indexed(0) : back, matchBack, .bold),
            .chart: Look(first, back),
            .chartAlternative: Look(charts.dropFirst().first ?? skin.color(["frame.status.modifyColor"], first), back),
            .chartTrack: Look(skin.color(["frame.status.completedColor"], body.foreground), back),
        ]
    }
}

/// Reads colours by path, remembering those it could not understand.
private struct SkinReader {
    let root: SkinTree
    var problems: [String] = []

    /// The first of `paths` that is there and is a colour, else `fallback`.
    mutating func color(_ paths: [String], _ fallback: Color) -> Color {
        for path in paths {
            guard let text = root.at(path)?.string, !text.isEmpty else { continue }
            if let color = Color(name: text) { return color }
            let problem = "\(path): \(text)"
            if !problems.contains(problem) { problems.append(problem) }
        }
        return fallback
    }

    mutating func colors(_ path: String) -> [Color] {
        guard case .list(let items)? = root.at(path) else { return [] }
        return items.compactMap { $0.string.flatMap(Color.init(name:)) }
    }
}
