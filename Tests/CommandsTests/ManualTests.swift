import Glibc
import Testing

@testable import Commands

private let root = #filePath.split(separator: "/").dropLast(3).map { "/" + $0 }.joined()

private func contents(_ path: String) -> String {
    guard let file = fopen(path, "r") else { return "" }
    defer { fclose(file) }
    var bytes = [UInt8](repeating: 0, count: 1 << 20)
    let count = fread(&bytes, 1, bytes.count, file)
    return String(decoding: bytes[0..<count], as: UTF8.self)
}

@Suite(.serialized) struct ManualTests {
    /// The page holds what the table says. `KASTELLAN_UPDATE_GOLDENS=1 swift test --filter ManualTests` writes it there.
    @Test func thePageHoldsWhatTheTableSays() {
        let path = "\(root)/man/kastellan.1"
        var lines = contents(path).split(separator: "\n", omittingEmptySubsequences: false).map(String.init)
        for part in ManualText.parts {
            guard let first = lines.firstIndex(of: part.begin), let last = lines.firstIndex(of: part.end), first < last else {
                Issue.record("man/kastellan.1 has lost the mark \(part.begin)")
                return
            }
            let written = lines[(first + 1)..<last].map { $0 + "\n" }.joined()
            if getenv("KASTELLAN_UPDATE_GOLDENS") == nil {
                #expect(written == part.text, "update it with KASTELLAN_UPDATE_GOLDENS=1")
            } else {
                lines.replaceSubrange((first + 1)..<last, with: part.text.split(separator: "\n").map(String.init))
            }
        }
        guard getenv("KASTELLAN_UPDATE_GOLDENS") != nil, let file = fopen(path, "w") else { return }
        fputs(lines.joined(separator: "\n"), file)
        fclose(file)
    }

    /// Each command has a page of its own, as the table has it, and there is no page without its command.
    @Test func everyCommandHasItsPage() {
        for page in ManualPages.commands {
            let path = "\(root)/man/\(page.file)"
            if getenv("KASTELLAN_UPDATE_GOLDENS") != nil, let file = fopen(path, "w") {
                fputs(page.text, file)
                fclose(file)
            }
            #expect(contents(path) == page.text, "\(page.file): update it with KASTELLAN_UPDATE_GOLDENS=1")
        }
        let wanted = ["kastellan.1"] + ManualPages.commands.map(\.file)
        var found: [String] = []
        if let folder = opendir("\(root)/man") {
            while let entry = readdir(folder) {
                let name = withUnsafePointer(to: &entry.pointee.d_name) { bytes in
                    bytes.withMemoryRebound(to: CChar.self, capacity: 256) { String(cString: $0) }
                }
                if name.hasSuffix(".1") { found.append(name) }
            }
            closedir(folder)
        }
        #expect(found.sorted() == wanted.sorted())
    }

    /// What the tables of keys, commands and alerts know stands between marks in pages that are written by hand otherwise.
    @Test(arguments: ManualPages.parts.map(\.name)) func theTablesStandInTheirPages(name: String) throws {
        let part = try #require(ManualPages.parts.first { $0.name == name })
        let path = "\(root)/man/\(part.file)"
        var lines = contents(path).split(separator: "\n", omittingEmptySubsequences: false).map(String.init)
        let first = try #require(lines.firstIndex(of: part.begin), "man/\(part.file) has lost the mark \(part.begin)")
        let last = try #require(lines.firstIndex(of: part.end), "man/\(part.file) has lost the mark \(part.end)")
        if getenv("KASTELLAN_UPDATE_GOLDENS") != nil, let file = fopen(path, "w") {
            lines.replaceSubrange((first + 1)..<last, with: part.text.split(separator: "\n").map(String.init))
            fputs(lines.joined(separator: "\n"), file)
            fclose(file)
        } else {
            #expect(lines[(first + 1)..<last].map { $0 + "\n" }.joined() == part.text, "update it with KASTELLAN_UPDATE_GOLDENS=1")
        }
    }

    /// A colon parts a completion's word from its description: one that is in the text has a backslash, and nothing is left out.
    @Test func zshKeepsTheColonsAndBracketsOfDescriptions() throws {
        let script = CompletionScripts.zsh
        let flags = CommandTable.all.flatMap(\.flags).filter { $0.doc.contains(":") || $0.doc.contains("[") }
        #expect(flags.count > 3)
        for flag in flags {
            let doc = ["\\", ":", "[", "]"].reduce(flag.doc) { $0.replacing($1, with: "\\\($1)") }
            #expect(script.contains(doc.replacing("'", with: "'\\''")), "\(flag.long)")
        }
    }

    @Test func completionsNameEveryCommandAndFlag() {
        for shell in ["bash", "zsh", "fish"] {
            let script = CompletionScripts.script(for: shell)
            for spec in CommandTable.all {
                for flag in spec.flags {
                    let name = shell == "fish" ? "-l \(flag.long.dropFirst(2))" : flag.long
                    #expect(script.contains(name), "\(shell): \(spec.name) \(flag.long)")
                }
            }
        }
    }
}
