import Grid
import Observatory
import Primitives

/// One thing to fill in.
package struct FormField: Equatable, Sendable {
    package enum Value: Equatable, Sendable {
        case text(TextField)
        case choice([String], Int)
    }
    package var id: String
    package var label: String
    package var value: Value
    /// Shown where nothing is typed: what that means.
    package var placeholder: String
    /// What is typed is not shown, read out, recorded, nor kept when the form is left.
    package var isHidden = false

    package init(_ id: String, _ label: String, text: String = "", placeholder: String = "") {
        self.id = id
        self.label = label
        value = .text(TextField(text))
        self.placeholder = placeholder
    }

    /// For a password.
    package init(hidden id: String, _ label: String) {
        self.init(id, label, placeholder: "not shown")
        isHidden = true
    }

    package init(_ id: String, _ label: String, choices: [String], selected: Int = 0) {
        self.id = id
        self.label = label
        value = .choice(choices, selected)
        placeholder = ""
    }

    package var text: String {
        switch value {
        case .text(let field): field.text
        case .choice(let choices, let index): index < choices.count ? choices[index] : ""
        }
    }
}

/// A few fields that become a `PlanAction`. Nothing is changed by it: its outcome is a plan to look at.
package struct Form: Equatable, Sendable {
    package enum Purpose: Equatable, Sendable {
        case createTopic
        /// One that is like this.
        case cloneTopic(String)
        case addPartitions(topic: String, current: Int)
        case editConfig(ConfigResource, String)
        case produce(topic: String)
        case resetOffsets(group: String)
        case purge(topic: String)
        case reassign(PartitionScope)
        case replicationFactor(PartitionScope)
        case elect(PartitionScope)
        case moveLeader(PartitionScope)
        case drain(BrokerID)
        case throttle
        case send(SendMaterial)
        case load(topic: String)
        case addAccess
        /// Another login of this user; nil: of a new one.
        case user(ScramUserSnapshot?)
        case registerSchema
        case newConnector
        case schemaRule(String)
        /// Of this entity, or of a new one.
        case quota(QuotaSnapshot?)
        /// And the level that it has now.
        case feature(String, level: Int16)
    }
    package var purpose: Purpose
    package var title: String
    /// Lines above the fields.
    package var intro: [String]
    package var fields: [FormField]
    /// Index of a field; then comes Continue, then Cancel.
    package var focus = 0
    package var problem: String?

    package init(_ purpose: Purpose, title: String, intro: [String] = [], fields: [FormField]) {
        self.purpose = purpose
        self.title = title
        self.intro = intro
        self.fields = fields
    }

    package subscript(id: String) -> String { fields.first { $0.id == id }?.text ?? "" }
    /// Its field `file` names a file that the shell reads.
    var readsFile: Bool {
        switch purpose {
        case .produce, .registerSchema, .newConnector: true
        default: false
        }
    }
    /// Whether what is typed now is not to be seen or kept by anybody.
    package var isTypedUnseen: Bool { focus < fields.count && fields[focus].isHidden }
    /// As it may be kept while a plan is looked at.
    var withoutHidden: Form {
        var form = self
        for index in fields.indices where fields[index].isHidden { form.fields[index].value = .text(TextField()) }
        return form
    }

    var continueIndex: Int { fields.count }
    var cancelIndex: Int { fields.count + 1 }

    enum Step: Equatable { case stay, submit, cancel }

    mutating func take(_ key: Key) -> Step {
        problem = nil
        switch key {
        case Key(.escape): return .cancel
        case Key(.tab), Key(.down): focus = (focus + 1) % (fields.count + 2)
        case Key(.backTab), Key(.up): focus = (focus + fields.count + 1) % (fields.count + 2)
        case Key(.enter):
            if focus == cancelIndex { return .cancel }
            if focus >= fields.count - 1 { return .submit }
            focus += 1
        default:
            if focus < fields.count {
                edit(key)
            } else if key == Key(.left) || key == Key(.right) {
                focus = focus == continueIndex ? cancelIndex : continueIndex
            }
        }
        return .stay
    }

    private mutating func edit(_ key: Key) {
        switch fields[focus].value {
        case .text(var field):
            if field.handle(key) { fields[focus].value = .text(field) }
        case .choice(let choices, let index):
            if choices.isEmpty { return }
            switch key {
            case Key(.right), Key(" "): fields[focus].value = .choice(choices, (index + 1) % choices.count)
            case Key(.left): fields[focus].value = .choice(choices, (index + choices.count - 1) % choices.count)
            case Key(.home): fields[focus].value = .choice(choices, 0)
            case Key(.end): fields[focus].value = .choice(choices, choices.count - 1)
            default: chooseByLetter(key, choices, index)
            }
        }
    }

    /// A letter goes to the next choice that begins with it.
    private mutating func chooseByLetter(_ key: Key, _ choices: [String], _ index: Int) {
        guard case .character(let letter) = key.code, key.modifiers == [] else { return }
        for step in 1...choices.count {
            let candidate = (index + step) % choices.count
            if choices[candidate].unicodeScalars.first.map(Pattern.folded) == Pattern.folded(letter) {
                fields[focus].value = .choice(choices, candidate)
                return
            }
        }
    }

    mutating func paste(_ text: String) {
        guard focus < fields.count, case .text(var field) = fields[focus].value else { return }
        field.insert(text)
        fields[focus].value = .text(field)
    }
}
