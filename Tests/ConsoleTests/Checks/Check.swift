import Grid
import Observatory
import Primitives
import Testing

@testable import Console

/// One line, one story: keys, a bar, and what is to be so after them. The cheapest test of the console there is to write.
///
///     4 enter | at billing; sel orders-0; see Members
///
/// Keys are names, `'text'` is typed as it is (`_` in it is a space). Expectations, separated by `;`:
/// `at CRUMB`, `rows A,B,…` (all of the first panel, in order), `sel ROW`, `see TEXT`, `not TEXT`, `say TEXT` (the flash line),
/// `form TITLE`, `bad TEXT` (the form's or the prompt's complaint), `menu TITLE`, `plan TEXT` and `ask TEXT` (the last plan, any wish, as
/// Swift prints them), `noplan`, `closed` (nothing lies over the view).
struct Check: Sendable, CustomTestStringConvertible {
    var line: String
    var testDescription: String { line }

    static func lines(_ text: String) -> [Check] {
        text.split(separator: "\n").filter { $0.contains("|") }.map { Check(line: String($0)) }
    }

    /// From a fresh console on that cluster.
    func run(_ snapshot: ClusterSnapshot, width: Int = 120, height: Int = 40, readOnly: Bool = false) {
        let driver = Driver(snapshot, width: width, height: height, readOnly: readOnly)
        let bar = line.firstRange(of: " | ") ?? line.startIndex..<line.startIndex
        for word in line[..<bar.lowerBound].split(separator: " ") {
            if word.hasPrefix("'") {
                driver.type(String(word.dropFirst().dropLast()).replacing("_", with: " "))
            } else {
                driver.press(String(word))
            }
        }
        let requests = driver.takeRequests()
        for part in line[bar.upperBound...].split(separator: ";") {
            let words = part.split(separator: " ", maxSplits: 1)
            let wanted = words.count > 1 ? trimmed(words[1]) : ""
            let problem = Check.problem(String(words[0]), wanted, driver, requests)
            if let problem { Issue.record("\(line): \(trimmed(part)): \(problem)\n\(driver.text)") }
        }
    }

    /// What is not as wanted; nil where it is.
    private static func problem(_ verb: String, _ wanted: String, _ driver: Driver, _ requests: [ConsoleRequest]) -> String? {
        func expect(_ holds: Bool, _ found: @autoclosure () -> String) -> String? { holds ? nil : "there is " + found() }
        let console = driver.console
        let plans = requests.filter { if case .plan = $0 { true } else { false } }
        switch verb {
        case "at": return expect(console.place.crumb == wanted, console.place.crumb)
        case "rows":
            let rows = console.tables.first.map { table in table.order.map { table.model.rows[$0].id } } ?? []
            return expect(rows == wanted.split(separator: ",").map(String.init), rows.joined(separator: ","))
        case "sel": return expect(console.selectedRow?.id == wanted, console.selectedRow?.id ?? "nothing")
        case "see": return expect(driver.text.contains(wanted), "no such text")
        case "not": return expect(!driver.text.contains(wanted), "that text")
        case "say": return expect(console.flash?.notice.text.contains(wanted) == true, console.flash?.notice.text ?? "nothing said")
        case "form":
            guard case .form(let form)? = console.overlay else { return "there is no form" }
            return expect(form.title.contains(wanted), form.title)
        case "bad":
            if case .form(let form)? = console.overlay {
                return expect(form.problem?.contains(wanted) == true, form.problem ?? "no complaint")
            }
            if case .prompt(let prompt)? = console.overlay {
                return expect(prompt.problem?.contains(wanted) == true, prompt.problem ?? "no complaint")
            }
            return "there is neither form nor prompt"
        case "menu":
            guard case .menu(let menu)? = console.overlay else { return "there is no menu" }
            return expect(menu.title.contains(wanted), menu.title)
        case "plan": return expect(plans.last.map { "\($0)".contains(wanted) } == true, plans.last.map { "\($0)" } ?? "no plan")
        case "ask": return expect(requests.contains { "\($0)".contains(wanted) }, "\(requests)")
        case "noplan": return expect(plans.isEmpty, "\(plans)")
        case "closed": return expect(console.overlay == nil, "something open")
        default: return "no such expectation"
        }
    }
}
