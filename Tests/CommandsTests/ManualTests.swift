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

@Suite struct ManualTests {
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
