import Grid
import Observatory
import Primitives

/// A plan from being asked for to its outcome. Its confirmation is one that habit cannot give: the focus starts on Cancel, and what
/// cannot be undone wants its name typed.
package struct PlanDialog: Equatable, Sendable {
    package enum Phase: Equatable, Sendable {
        /// The cluster is being read to make the plan.
        case planning
        case review(Plan)
        case running(Plan, progress: String)
        case finished(PlanOutcome)
        case refused(String)
    }
    package enum Focus: Equatable, Sendable { case name, cancel, apply }

    package var ticket: Int
    package var action: PlanAction
    package var phase: Phase
    package var focus = Focus.cancel
    package var typed = TextField()
    /// First line of the plan's text that is shown.
    package var top = 0
    /// The form it came from, to go back to.
    package var form: Form?

    package init(ticket: Int, action: PlanAction, form: Form? = nil) {
        self.ticket = ticket
        self.action = action
        self.form = form
        phase = .planning
    }

    /// The name that has to be typed, or nil.
    var nameToType: String? {
        guard case .review(let plan) = phase, case .typedName(let name) = plan.confirmation else { return nil }
        return name
    }

    var mayApply: Bool {
        guard case .review(let plan) = phase, plan.isRunnable else { return false }
        return nameToType.map { $0 == typed.text } ?? true
    }

    /// Records that are written for as long as it takes.
    private var isAbortable: Bool {
        switch action {
        case .send, .load: true
        default: false
        }
    }

    var isInBatches: Bool { if case .running(let plan, _) = phase { plan.isInBatches } else { false } }

    enum Step: Equatable {
        case stay, close, apply, edit, copy, save, abort
        case steer(PlanInput)
    }

    mutating func take(_ key: Key) -> Step {
        switch phase {
        case .planning, .running:
            if isAbortable, key == Key("x") { return .abort }
            if isInBatches, key == Key("p") { return .steer(.pause) }
            if isInBatches, key == Key("x") { return .steer(.stop) }
            if isInBatches, key == Key("X") { return .steer(.cancel) }
            return key == Key(.escape) ? .close : .stay
        case .finished, .refused:
            switch key {
            case Key(.escape), Key(.enter), Key("q"), Key(" "): return .close
            case Key(.up), Key(.down), Key(.pageUp), Key(.pageDown): scroll(key)
            default: break
            }
            return .stay
        case .review(let plan): return review(key, plan)
        }
    }

    private mutating func review(_ key: Key, _ plan: Plan) -> Step {
        let order: [Focus] = (nameToType == nil ? [] : [.name]) + (plan.isRunnable ? [.cancel, .apply] : [.cancel])
        let place = order.firstIndex(of: focus) ?? 0
        switch key {
        case Key(.escape): return .close
        case Key(.tab): focus = order[(place + 1) % order.count]
        case Key(.backTab): focus = order[(place + order.count - 1) % order.count]
        case Key(.up), Key(.down), Key(.pageUp), Key(.pageDown): scroll(key)
        case Key(.enter): return confirm()
        default:
            if focus == .name {
                _ = typed.handle(key)
            } else if key == Key(.left) || key == Key(.right) {
                focus = focus == .cancel && plan.isRunnable ? .apply : .cancel
            } else if key == Key("e"), form != nil {
                return .edit
            } else if key == Key("c") {
                return .copy
            } else if key == Key("s"), plan.isRunnable {
                return .save
            }
        }
        return .stay
    }

    private mutating func confirm() -> Step {
        switch focus {
        case .cancel: return .close
        case .name:
            if mayApply { focus = .apply }
            return .stay
        case .apply: return mayApply ? .apply : .stay
        }
    }

    private mutating func scroll(_ key: Key) {
        switch key {
        case Key(.up): top -= 1
        case Key(.down): top += 1
        case Key(.pageUp): top -= 10
        default: top += 10
        }
        top = max(0, top)
    }
}
