/// A colour as a theme names it.
package enum Color: Hashable, Sendable {
    /// Whatever the terminal shows by itself.
    case terminal
    /// One of the terminal's sixteen: 0 black … 7 silver, 8 gray … 15 white.
    case indexed(UInt8)
    case rgb(UInt8, UInt8, UInt8)

    /// `default`, a name of the W3C's list, or `#rrggbb` / `#rgb`; nil where it is none of these.
    package init?(name: String) {
        let name = name.lowercased()
        if name == "default" || name == "-" || name == "reset" {
            self = .terminal
        } else if name.utf8.first == 0x23 {
            guard let parsed = Color.parse(hex: name.dropFirst()) else { return nil }
            self = parsed
        } else if let index = Color.sixteen.firstIndex(of: name) {
            self = .indexed(UInt8(index))
        } else if let value = Color.named[name] {
            self = .rgb(UInt8(value >> 16), UInt8(value >> 8 & 0xFF), UInt8(value & 0xFF))
        } else {
            return nil
        }
    }

    private static func parse(hex: Substring) -> Color? {
        guard hex.utf8.allSatisfy({ ($0 >= 0x30 && $0 <= 0x39) || ($0 >= 0x61 && $0 <= 0x66) }), let value = UInt32(hex, radix: 16) else {
            return nil
        }
        switch hex.utf8.count {
        case 6: return .rgb(UInt8(value >> 16), UInt8(value >> 8 & 0xFF), UInt8(value & 0xFF))
        case 3: return .rgb(UInt8((value >> 8) * 17), UInt8((value >> 4 & 15) * 17), UInt8((value & 15) * 17))
        default: return nil
        }
    }

    /// Red, green and blue as most terminals show it; nil for the terminal's own.
    package var components: (red: Int, green: Int, blue: Int)? {
        switch self {
        case .terminal: return nil
        case .indexed(let index):
            let value = Color.sixteenValues[Int(index & 15)]
            return (Int(value >> 16), Int(value >> 8 & 0xFF), Int(value & 0xFF))
        case .rgb(let r, let g, let b): return (Int(r), Int(g), Int(b))
        }
    }

    /// The nearest of the 256 colours of xterm's palette, or nil for the terminal's own.
    package var xterm256: Int? {
        switch self {
        case .terminal: return nil
        case .indexed(let index): return Int(index)
        case .rgb(let r, let g, let b):
            let steps = [0, 95, 135, 175, 215, 255]
            func nearest(_ v: Int) -> Int { steps.indices.min { abs(steps[$0] - v) < abs(steps[$1] - v) } ?? 0 }
            let (red, green, blue) = (Int(r), Int(g), Int(b))
            let cube = (nearest(red), nearest(green), nearest(blue))
            let cubeDistance = Color.distance((red, green, blue), (steps[cube.0], steps[cube.1], steps[cube.2]))
            let gray = min(23, max(0, ((red + green + blue) / 3 - 3) / 10))
            let level = 8 + 10 * gray
            if Color.distance((red, green, blue), (level, level, level)) < cubeDistance { return 232 + gray }
            return 16 + 36 * cube.0 + 6 * cube.1 + cube.2
        }
    }

    /// The nearest of the terminal's first sixteen, or nil for its own.
    package var ansi16: Int? {
        switch self {
        case .terminal: return nil
        case .indexed(let index): return Int(index)
        case .rgb(let r, let g, let b):
            let wanted = (Int(r), Int(g), Int(b))
            return Color.sixteenValues.indices.min { a, b in
                Color.distance(wanted, Color.split(Color.sixteenValues[a])) < Color.distance(wanted, Color.split(Color.sixteenValues[b]))
            }
        }
    }

    private static func split(_ value: UInt32) -> (Int, Int, Int) { (Int(value >> 16), Int(value >> 8 & 0xFF), Int(value & 0xFF)) }

    /// Weighted as the eye sees (the usual 2-4-3).
    private static func distance(_ a: (Int, Int, Int), _ b: (Int, Int, Int)) -> Int {
        2 * (a.0 - b.0) * (a.0 - b.0) + 4 * (a.1 - b.1) * (a.1 - b.1) + 3 * (a.2 - b.2) * (a.2 - b.2)
    }

    /// The contrast of two colours by the WCAG formula, 1 to 21; nil where one is the terminal's own.
    package static func contrast(_ a: Color, _ b: Color) -> Double? {
        guard let x = a.luminance, let y = b.luminance else { return nil }
        return (max(x, y) + 0.05) / (min(x, y) + 0.05)
    }

    private var luminance: Double? {
        guard let c = components else { return nil }
        // A cubic that stays within 0.002 of sRGB's exponent of 2.4; the pure targets have no pow.
        func linear(_ v: Int) -> Double {
            let x = Double(v) / 255
            return x * (x * (x * 0.305306011 + 0.682171111) + 0.012522878)
        }
        return 0.2126 * linear(c.red) + 0.7152 * linear(c.green) + 0.0722 * linear(c.blue)
    }

    static let sixteen = [
        "black", "maroon", "green", "olive", "navy", "purple", "teal", "silver", "gray", "red", "lime", "yellow", "blue", "fuchsia",
        "aqua", "white",
    ]
    static let sixteenValues: [UInt32] = [
        0x000000, 0x800000, 0x008000, 0x808000, 0x000080, 0x800080, 0x008080, 0xC0C0C0, 0x808080, 0xFF0000, 0x00FF00, 0xFFFF00,
        0x0000FF, 0xFF00FF, 0x00FFFF, 0xFFFFFF,
    ]

    /// The W3C's extended colour names beyond the sixteen; looked up by name only.
    private static let named: [String: UInt32] = {
        var table: [String: UInt32] = [:]
        var name = ""
        for word in names.split(whereSeparator: { $0 == " " || $0 == "\n" }) {
            if let value = UInt32(word, radix: 16), !name.isEmpty {
                table[name] = value
                name = ""
            } else {
                name = String(word)
            }
        }
        return table
    }()

    private static let names = """
        aliceblue f0f8ff antiquewhite faebd7 aquamarine 7fffd4 azure f0ffff beige f5f5dc bisque ffe4c4 blanchedalmond ffebcd
        blueviolet 8a2be2 brown a52a2a burlywood deb887 cadetblue 5f9ea0 chartreuse 7fff00 chocolate d2691e coral ff7f50
        cornflowerblue 6495ed cornsilk fff8dc crimson dc143c cyan 00ffff darkblue 00008b darkcyan 008b8b darkgoldenrod b8860b
        darkgray a9a9a9 darkgrey a9a9a9 darkgreen 006400 darkkhaki bdb76b darkmagenta 8b008b darkolivegreen 556b2f
        darkorange ff8c00 darkorchid 9932cc darkred 8b0000 darksalmon e9967a darkseagreen 8fbc8f darkslateblue 483d8b
        darkslategray 2f4f4f darkslategrey 2f4f4f darkturquoise 00ced1 darkviolet 9400d3 deeppink ff1493 deepskyblue 00bfff
        dimgray 696969 dimgrey 696969 dodgerblue 1e90ff firebrick b22222 floralwhite fffaf0 forestgreen 228b22 gainsboro dcdcdc
        ghostwhite f8f8ff gold ffd700 goldenrod daa520 grey 808080 greenyellow adff2f honeydew f0fff0 hotpink ff69b4
        indianred cd5c5c indigo 4b0082 ivory fffff0 khaki f0e68c lavender e6e6fa lavenderblush fff0f5 lawngreen 7cfc00
        lemonchiffon fffacd lightblue add8e6 lightcoral f08080 lightcyan e0ffff lightgoldenrodyellow fafad2 lightgray d3d3d3
        lightgrey d3d3d3 lightgreen 90ee90 lightpink ffb6c1 lightsalmon ffa07a lightseagreen 20b2aa lightskyblue 87cefa
        lightslategray 778899 lightslategrey 778899 lightsteelblue b0c4de lightyellow ffffe0 limegreen 32cd32 linen faf0e6
        linegreen 32cd32 magenta ff00ff mediumaquamarine 66cdaa mediumblue 0000cd mediumorchid ba55d3 mediumpurple 9370db
        mediumseagreen 3cb371 mediumslateblue 7b68ee mediumspringgreen 00fa9a mediumturquoise 48d1cc mediumvioletred c71585
        midnightblue 191970 mintcream f5fffa mistyrose ffe4e1 moccasin ffe4b5 navajowhite ffdead oldlace fdf5e6 olivedrab 6b8e23
        orange ffa500 orangered ff4500 orchid da70d6 palegoldenrod eee8aa palegreen 98fb98 paleturquoise afeeee
        palevioletred db7093 papayawhip ffefd5 peachpuff ffdab9 peru cd853f pink ffc0cb plum dda0dd powderblue b0e0e6
        rebeccapurple 663399 rosybrown bc8f8f royalblue 4169e1 saddlebrown 8b4513 salmon fa8072 sandybrown f4a460 seagreen 2e8b57
        seashell fff5ee sienna a0522d skyblue 87ceeb slateblue 6a5acd slategray 708090 slategrey 708090 snow fffafa
        springgreen 00ff7f steelblue 4682b4 tan d2b48c thistle d8bfd8 tomato ff6347 turquoise 40e0d0 violet ee82ee wheat f5deb3
        whitesmoke f5f5f5 yellowgreen 9acd32
        """
}
