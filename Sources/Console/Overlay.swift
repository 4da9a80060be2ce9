/// What lies over the view and has the keyboard.
package enum Overlay: Equatable, Sendable {
    case prompt(Prompt)
    case form(Form)
    case plan(PlanDialog)
    case menu(Menu)
    case confirmQuit
    /// A program of the user's that asks first.
    case confirmRun(ExternalRun)
}

/// A line of input at the bottom of the screen.
package struct Prompt: Equatable, Sendable {
    package enum Kind: Equatable, Sendable { case command, filter, seek, save }
    package var kind: Kind
    package var field: TextField
    /// What was there before, to be put back on Esc.
    package var original: String
    /// Position in the history, counted back from the newest; nil while typing.
    package var historyIndex: Int?
    /// What was typed before the history was entered.
    package var draft = ""
    package var problem: String?

    package init(_ kind: Kind, text: String = "") {
        self.kind = kind
        field = TextField(text)
        original = text
    }

    /// The sign before the input.
    package var sign: String {
        switch kind {
        case .command: ":"
        case .filter: "/"
        case .seek: "seek "
        case .save: "save to "
        }
    }
}

/// A list of things that can be done, for those who do not know the key yet.
package struct Menu: Equatable, Sendable {
    package struct Item: Equatable, Sendable {
        package var key: String
        package var text: String
        package var action: Action
    }
    package var title: String
    package var items: [Item]
    package var selected = 0
}
