import Console
import Grid
import Observatory
import Testing

@testable import Commands

/// A story as it stands in docs/STORIES.md: prose, and blocks of steps that are carried out as they are written there.
///
///     press KEY …        keys by name
///     type TEXT          as it is
///     go to ROW          the arrow keys, until that row is selected
///     see A | B          all of these come to be on the screen
///     gone A | B         none of these stay on it
///     apply [NAME]       goes to Apply of the plan shown (typing the name where one is asked for) and waits until it is done
///     meanwhile WHAT     something happens in the cluster, by no key
struct StoryScript {
    struct Step {
        var line: Int
        var verb: String
        var rest: String
    }
    var title: String
    var steps: [Step] = []

    /// Headings of the second level begin stories; fenced blocks named `story` hold their steps.
    static func parse(_ text: String) -> [StoryScript] {
        var stories: [StoryScript] = []
        var isInside = false
        for (index, raw) in text.split(separator: "\n", omittingEmptySubsequences: false).enumerated() {
            if raw.hasPrefix("## ") { stories.append(StoryScript(title: String(raw.dropFirst(3)))) }
            if raw.hasPrefix("```") {
                isInside = raw == "```story"
                continue
            }
            let words = raw.split(separator: " ", maxSplits: 1)
            guard isInside, let verb = words.first, !stories.isEmpty else { continue }
            let rest = words.count > 1 ? String(words[1].drop { $0 == " " }) : ""
            stories[stories.count - 1].steps.append(Step(line: index + 1, verb: String(verb), rest: rest))
        }
        return stories
    }

    /// Carries the steps out; records what did not come about, and ends there.
    func run(_ console: StoryConsole, meanwhile: (String) throws -> Void) throws {
        for step in steps {
            let problem = try perform(step, console, meanwhile)
            if let problem {
                Issue.record("docs/STORIES.md:\(step.line): \(step.verb) \(step.rest): \(problem)\n\(console.text)")
                return
            }
        }
    }

    /// What went wrong, or nil.
    private func perform(_ step: Step, _ console: StoryConsole, _ meanwhile: (String) throws -> Void) throws -> String? {
        let parts = step.rest.split(separator: "|").map { String($0.drop { $0 == " " }.reversed().drop { $0 == " " }.reversed()) }
        switch step.verb {
        case "press": console.press(step.rest)
        case "type": console.type(step.rest)
        case "see": if !console.until({ parts.allSatisfy { console.text.contains($0) } }) { return "it is not there" }
        case "gone": if !console.until({ parts.allSatisfy { !console.text.contains($0) } }) { return "it is still there" }
        case "go": return goTo(String(step.rest.dropFirst(3)), console)
        case "apply": return apply(step.rest, console)
        case "meanwhile": try meanwhile(step.rest)
        default: return "no such step"
        }
        return nil
    }

    private func goTo(_ row: String, _ console: StoryConsole) -> String? {
        func isThere() -> Bool {
            let shown = console.session.console
            guard let selected = shown.selectedRow else { return false }
            // By what it is, or where nothing is that, by what it shows.
            if shown.tables[shown.view.panel].model.rows.contains(where: { $0.id == row }) { return selected.id == row }
            return selected.cells.contains { $0.text == row }
        }
        guard console.until({ console.text.contains(row) }) else { return "no such row" }
        console.press("g")
        for _ in 0..<200 where !isThere() { console.press("down") }
        return isThere() ? nil : "it cannot be selected"
    }

    private func apply(_ name: String, _ console: StoryConsole) -> String? {
        func phase() -> PlanDialogPhase { PlanDialogPhase(console) }
        guard console.until({ phase() != .planning }) else { return "no plan came" }
        guard phase() == .review else { return "there is no plan to apply" }
        if name.isEmpty { console.press("tab") } else { console.type(name) }
        if !name.isEmpty { console.press("enter") }
        console.press("enter")
        guard console.until({ phase() == .done || phase() == .failed }) else { return "it came to no end" }
        guard phase() == .done else { return "it was not done" }
        console.press("enter")
        return nil
    }
}

/// How far the plan on the screen is.
enum PlanDialogPhase {
    case none, planning, review, running, done, failed

    init(_ console: StoryConsole) {
        guard case .plan(let dialog)? = console.session.console.overlay else {
            self = .none
            return
        }
        switch dialog.phase {
        case .planning: self = .planning
        case .review: self = .review
        case .running: self = .running
        case .refused: self = .failed
        case .finished(let outcome): self = outcome.verdict == .done ? .done : .failed
        }
    }
}
