import CNcurses
import Grid

/// What each scope is on this terminal: ncurses attributes and a colour pair, made once per theme.
struct Palette {
    struct Ink {
        var attributes: attr_t
        var pair: Int32
    }

    private let depth: ColourDepth
    private var inks: [Ink]
    /// Whether the terminal knows "its own colour".
    private let hasDefault: Bool

    init(depth: ColourDepth) {
        self.depth = depth
        inks = Scope.allCases.map { _ in Ink(attributes: 0, pair: 0) }
        hasDefault = depth != .none && use_default_colors() == 0
    }

    subscript(style: Style) -> Ink {
        var ink = inks[Int(style.scope.rawValue)]
        ink.attributes |= Palette.attributes(style.modifiers)
        return ink
    }

    private static func attributes(_ modifiers: Modifiers) -> attr_t {
        var out: attr_t = 0
        if modifiers.contains(.bold) { out |= shim_bold() }
        if modifiers.contains(.dim) { out |= shim_dim() }
        if modifiers.contains(.underline) { out |= shim_underline() }
        if modifiers.contains(.reverse) { out |= shim_reverse() }
        return out
    }

    /// Colour pairs are numbered from 1 in the order of the scopes; looks that are alike share one.
    mutating func load(_ theme: Theme) {
        if depth == .none {
            // Without colours a theme has nothing to say: emphasis comes from the monochrome one.
            for scope in Scope.allCases {
                inks[Int(scope.rawValue)] = Ink(attributes: Palette.attributes(Theme.monochrome[scope].modifiers), pair: 0)
            }
            return
        }
        var pairs: [(Int32, Int32)] = []
        let most = Int(min(shim_color_pairs(), 256)) - 1
        for scope in Scope.allCases {
            let look = theme[scope]
            var attributes = Palette.attributes(look.modifiers)
            let foreground = number(look.foreground, isForeground: true, &attributes)
            let background = number(look.background, isForeground: false, &attributes)
            var pair = 0
            if let known = pairs.firstIndex(where: { $0 == foreground && $1 == background }) {
                pair = known + 1
            } else if pairs.count < most {
                pairs.append((foreground, background))
                pair = pairs.count
                init_extended_pair(Int32(pair), foreground, background)
            }
            inks[Int(scope.rawValue)] = Ink(attributes: attributes, pair: Int32(pair))
        }
    }

    /// The terminal's number of a colour; -1 is its own. Eight colours show the bright ones as bold.
    private func number(_ colour: Color, isForeground: Bool, _ attributes: inout attr_t) -> Int32 {
        let own: Int32 = hasDefault ? -1 : isForeground ? 7 : 0
        switch depth {
        case .none: return own
        case .many: return colour.xterm256.map { Int32($0) } ?? own
        case .sixteen: return colour.ansi16.map { Int32($0) } ?? own
        case .eight:
            guard let index = colour.ansi16 else { return own }
            // Bright black on eight colours would be black: white is readable instead.
            if index == 8 && isForeground { return 7 }
            if index > 8 && isForeground { attributes |= shim_bold() }
            return Int32(index % 8)
        }
    }
}
