import Glibc
import Grid
import Testing

@testable import Terminal

/// Skins: k9s's format, the built-in ones, and files that are no skins.
@Suite struct Themes {
    static let root = #filePath.split(separator: "/").dropLast(3).reduce("") { $0 + "/" + $1 }

    static func contents(_ path: String) throws -> String {
        let file = try #require(fopen(path, "r"), "\(path)")
        defer { fclose(file) }
        var bytes = [UInt8](repeating: 0, count: 1 << 20)
        let count = fread(&bytes, 1, bytes.count, file)
        return String(decoding: bytes.prefix(count), as: UTF8.self)
    }

    @Test(arguments: BuiltinThemes.all.map(\.name))
    func theFilesAreTheBuiltInThemes(name: String) throws {
        let builtin = try #require(BuiltinThemes.all.first { $0.name == name })
        #expect(try Themes.contents("\(Themes.root)/themes/\(name).yaml") == builtin.text)
    }

    @Test(arguments: BuiltinThemes.all.map(\.name))
    func everyBuiltInThemeIsSoundAndReadable(name: String) throws {
        let theme = try ThemeStore().load(name)
        #expect(theme.problems == [])
        let paper = theme[.text].background
        for scope in Scope.allCases {
            let look = theme[scope]
            // Where the background is the terminal's own, the theme is made for a dark one.
            let ground = look.background == .terminal ? (paper == .terminal ? Color.rgb(0, 0, 0) : paper) : look.background
            guard let contrast = Color.contrast(look.foreground, ground) else { continue }
            let least = [.border, .borderFocus, .promptSuggestion, .chart, .chartAlternative, .chartTrack].contains(scope) ? 2.0 : 4.0
            #expect(contrast >= least, "\(name) \(scope.name): \(contrast)")
        }
        #expect(theme[.rowSelected].background != theme[.row].background || name == "monochrome")
        #expect(theme[.failure].foreground != theme[.good].foreground)
    }

    @Test func k9sSkinsWithAnchorsLoad() throws {
        let theme = Theme(
            name: "anchors", skin: try SkinFile.parse(try Themes.contents("\(Themes.root)/Tests/Fixtures/themes/anchors.yaml")))
        #expect(theme.problems == [])
        #expect(theme[.text] == Look(.rgb(0xF8, 0xF8, 0xF2), .rgb(0x28, 0x2A, 0x36)))
        #expect(theme[.brand].foreground == .rgb(0x00, 0xFA, 0x9A))
        #expect(theme[.rowSelected].background == .rgb(0x44, 0x47, 0x5A))
        #expect(theme[.failure].foreground == .rgb(0xFF, 0x45, 0x00))
        #expect(theme[.chartAlternative].foreground == .rgb(0xFF, 0xAA, 0x00))
        #expect(theme[.title].foreground == .indexed(14))
    }

    @Test func whatIsNoSkinIsRefusedWithItsLine() {
        #expect(throws: SkinFile.Failure(message: "line 2: found character that cannot start any token")) {
            _ = try SkinFile.parse("a: b\n@\n")
        }
        #expect(throws: SkinFile.Failure.self) { _ = try SkinFile.parse(String(repeating: "x", count: 1 << 20)) }
        #expect(throws: SkinFile.Failure.self) {
            _ = try SkinFile.parse(String(repeating: "[", count: 100) + String(repeating: "]", count: 100))
        }
        let bomb =
            "a: &a [x,x,x,x,x,x,x,x,x]\nb: &b [*a,*a,*a,*a,*a,*a,*a,*a,*a]\nc: &c [*b,*b,*b,*b,*b,*b,*b,*b,*b]\n"
            + "d: &d [*c,*c,*c,*c,*c,*c,*c,*c,*c]\ne: [*d,*d,*d,*d,*d,*d,*d,*d,*d]\n"
        #expect(throws: SkinFile.Failure.self) { _ = try SkinFile.parse(bomb) }
        #expect(throws: SkinFile.Failure.self) { _ = try ThemeStore().load("no-such-theme") }
    }

    @Test func emptyAndScalarFilesGiveACompleteTheme() throws {
        for text in ["", "just text", "[1, 2]", "k9s:", "k9s: {body: [x]}"] {
            let theme = Theme(name: "x", skin: try SkinFile.parse(text))
            #expect(theme[.rowSelected].modifiers.contains(.reverse))
        }
    }

    @Test func theUsersSkinsComeFirst() throws {
        var template = Array("/tmp/kastellan-skins-XXXXXX".utf8CString)
        let made = try #require(mkdtemp(&template))
        let directory = String(cString: made)
        defer {
            unlink("\(directory)/dark.yaml")
            unlink("\(directory)/mine.yaml")
            rmdir(directory)
        }
        for name in ["dark", "mine"] {
            let file = try #require(fopen("\(directory)/\(name).yaml", "w"))
            fputs("k9s:\n  body:\n    fgColor: red\n", file)
            fclose(file)
        }
        let store = ThemeStore(directories: [directory])
        #expect(store.names == ["basic", "colour-blind", "dark", "light", "mine"])
        #expect(try store.load("dark")[.text].foreground == .indexed(9))
        #expect(try store.load("\(directory)/mine.yaml")[.text].foreground == .indexed(9))
        #expect(try store.load("light")[.text].foreground != .indexed(9))
    }
}
