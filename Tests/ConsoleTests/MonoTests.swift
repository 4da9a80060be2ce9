import Grid
import Observatory
import Primitives
import Testing

@testable import Console

/// The same views without colours: what NO_COLOR, a terminal of two colours and many eyes see.
@Suite struct MonoScreens {
    /// What is left of the styles, in pictures of their own: the text stands in those in colour.
    @Test(arguments: SampleScreen.all.map(\.name))
    func screen(name: String) throws {
        let sample = try #require(SampleScreen.all.first { $0.name == name })
        let pictures = Screens.sizes.map { "\($0)x\($1)\n" + sample.make($0, $1).screen.emphasis }
        Screens().compare(pictures.joined(separator: "\n"), "\(Screens.folder)/mono/\(name).txt")
    }

    /// Scopes that say how something is.
    private static let states: [Scope] = [.good, .fresh, .pending, .warning, .failure, .finished, .highlight, .doomed, .row, .value, .muted]

    /// Two states of one column that read the same must not look the same where there are no colours. Figures speak for themselves.
    @Test func noStateIsToldByColourAlone() {
        var told: [String: [Scope: String]] = [:]
        for sample in SampleScreen.all {
            let console = sample.make(200, 60).console
            for table in console.tables {
                for row in table.model.rows {
                    for (column, cell) in zip(table.model.columns, row.cells) where MonoScreens.states.contains(cell.scope) {
                        guard let first = cell.text.unicodeScalars.first, !("0"..."9").contains(first), cell.text != "-" else { continue }
                        told["\(table.model.title), \(column.title): \(cell.text)", default: [:]][cell.scope] = sample.name
                    }
                }
            }
        }
        for (what, scopes) in told.sorted(by: { $0.key < $1.key }) where scopes.count > 1 {
            for (index, one) in scopes.keys.sorted(by: { $0.rawValue < $1.rawValue }).enumerated() {
                for other in scopes.keys.sorted(by: { $0.rawValue < $1.rawValue }).dropFirst(index + 1) {
                    let isAlike = Theme.monochrome[one].modifiers == Theme.monochrome[other].modifiers
                    #expect(!isAlike, "\(what) is \(one.name) in \(scopes[one] ?? "") and \(other.name) in \(scopes[other] ?? "")")
                }
            }
        }
        #expect(told.count > 300, "there is something to look at")
    }

    /// What is selected, marked, focused, matched or wrong stands out from what is around it.
    @Test func whatHasToStandOutDoes() {
        let plain: [Scope] = [.text, .row, .value, .dialog, .menuText, .log]
        let loud: [Scope] = [
            .rowSelected, .rowMarked, .buttonFocus, .dialogFieldFocus, .crumbActive, .match, .warning, .failure, .flashError,
        ]
        for scope in loud {
            for other in plain { #expect(Theme.monochrome[scope].modifiers != Theme.monochrome[other].modifiers, "\(scope.name)") }
        }
        #expect(Theme.monochrome[.rowSelected].modifiers != Theme.monochrome[.rowMarked].modifiers)
    }

    /// Where the keyboard is in a form is told by a sign beside the label, whatever the field.
    @Test func theFieldWithTheKeyboardHasASign() {
        for keys in ["", "tab", "tab tab", "tab tab tab"] {
            let driver = Driver(width: 80, height: 24).press("3 n \(keys)")
            let labels = ["Name", "Partitions", "Replication factor", "Cleanup"]
            let marked = labels.filter { driver.text.contains("▌ \($0)") }
            #expect(marked == [labels[keys.split(separator: " ").count]])
        }
    }
}

extension Grid {
    /// A line for each row in which anything stands out, without colours: how many plain signs, then what stands out by what, and so on.
    var emphasis: String {
        var out = ""
        for y in 0..<height {
            var runs: [(modifiers: Modifiers, count: Int)] = []
            for cell in row(y) {
                let modifiers = Theme.monochrome[cell.style.scope].modifiers.union(cell.style.modifiers)
                if runs.last?.modifiers == modifiers { runs[runs.count - 1].count += 1 } else { runs.append((modifiers, 1)) }
            }
            while runs.last?.modifiers == [] { runs.removeLast() }
            if runs.isEmpty { continue }
            let words = runs.map { $0.modifiers == [] ? "\($0.count)" : "\($0.modifiers.names.dropFirst())*\($0.count)" }
            out += "\(y): \(words.joined(separator: " "))\n"
        }
        return out
    }
}
