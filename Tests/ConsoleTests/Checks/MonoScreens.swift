import Glibc
import Grid
import Observatory
import Primitives
import Testing

@testable import Console

/// Every view without colour, at three sizes: what attributes each row has, against the pictures in Tests/Fixtures/screens/mono. The texts
/// are those of the coloured pictures.
@Suite struct MonoScreens {
    static let names = [
        "overview", "brokers", "topics", "topic", "groups", "group", "events", "configs", "contexts", "partitions",
        "reassignments", "quorum", "heat-traffic", "transactions", "transaction", "hanging", "acls", "quotas", "users", "tail",
        "message", "help", "describe-topic", "why-group", "past", "compare", "form-create", "plan-reset", "plan-delete", "menu",
        "command", "quit", "disconnected", "flash",
    ]

    @Test(arguments: MonoScreens.names) func screen(name: String) throws {
        let sample = try #require(SampleScreen.all.first { $0.name == name })
        for (width, height) in Screens.sizes {
            let picture = MonoScreens.runs(sample.make(width, height).screen)
            Screens().compare(picture, "\(Screens.folder)/mono/\(name)-\(width)x\(height).txt")
        }
    }

    /// Whoever sees no colour sees what is selected, what has the focus, and what is wrong.
    @Test(arguments: ["topics", "groups", "brokers", "menu", "transactions"]) func theSelectionIsSeen(name: String) throws {
        let sample = try #require(SampleScreen.all.first { $0.name == name })
        let grid = sample.make(80, 24).screen
        let reversed = (0..<grid.height).filter { y in
            grid.row(y).contains { Theme.monochrome[$0.style.scope].modifiers.contains(.reverse) }
        }
        #expect(!reversed.isEmpty, "\(grid.text)")
    }

    /// Each place there is has a picture.
    @Test func everyPlaceHasAPicture() {
        let shown = SampleScreen.all.map { $0.make(120, 40).console.place.crumb }
        for place in KeyTable.places + [.transactions, .transaction("t"), .hanging, .access, .quotas, .users, .compare] {
            let crumb: String
            switch place {
            case .topic, .group, .message, .transaction: continue
            default: crumb = place.crumb
            }
            #expect(shown.contains(crumb), "no picture of \(crumb)")
        }
    }

    /// `.` is plain; a letter each for bold, dim, reverse and underlined.
    private static func runs(_ grid: Grid) -> String {
        var out = ""
        for y in 0..<grid.height {
            var runs: [(String, Int)] = []
            for cell in grid.row(y) {
                let look = Theme.monochrome[cell.style.scope].modifiers.union(cell.style.modifiers)
                let sign = [(Modifiers.bold, "b"), (.dim, "d"), (.reverse, "r"), (.underline, "u")]
                    .map { look.contains($0.0) ? $0.1 : "" }.joined()
                let name = sign.isEmpty ? "." : sign
                if runs.last?.0 == name { runs[runs.count - 1].1 += 1 } else { runs.append((name, 1)) }
            }
            out += "\(y): \(runs.map { "\($0.0)\($0.1)" }.joined(separator: " "))\n"
        }
        return out
    }
}
