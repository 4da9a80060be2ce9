/// What a piece of text means. A theme turns it into colours and attributes; no view names a colour.
package enum Scope: UInt8, CaseIterable, Sendable {
    /// Plain text on the body's background, and quieter text beside it.
    case text, muted
    case brand
    /// The name of a context that has a colour of its own; `Theme.coloured` gives it.
    case context
    /// The header's labels and values.
    case label, value
    case border, borderFocus
    /// A panel's title: its words, the highlighted name in it, its counter and its filter.
    case title, titleHighlight, titleCounter, titleFilter
    case menuKey, menuText, menuNumber
    case crumb, crumbActive
    case prompt, promptSuggestion
    case tableHeader, tableSorter, row, rowSelected, rowMarked
    /// States of things, from well to bad; always beside a word or a sign.
    case good, fresh, pending, warning, failure, finished, highlight, doomed
    case dialog, dialogTitle, dialogGood, dialogWarning, dialogFailure
    case dialogBorder, dialogLabel, dialogField, dialogFieldFocus, button, buttonFocus
    case chart, chartAlternative, chartTrack
    case log, logIndicator, logIndicatorOff
    case jsonKey, jsonPunctuation, jsonString, jsonNumber, jsonWord
    case match
    case flashInfo, flashWarning, flashError

    /// The name by which style dumps and theme checks call it.
    package var name: String { String(describing: self) }
}

/// Attributes beside colour. On a terminal without colours they carry all there is.
package struct Modifiers: OptionSet, Hashable, Sendable {
    package let rawValue: UInt8
    package init(rawValue: UInt8) { self.rawValue = rawValue }
    package static let bold = Modifiers(rawValue: 1)
    package static let dim = Modifiers(rawValue: 2)
    package static let underline = Modifiers(rawValue: 4)
    package static let reverse = Modifiers(rawValue: 8)

    package var names: String {
        var out = ""
        if contains(.bold) { out += "+bold" }
        if contains(.dim) { out += "+dim" }
        if contains(.underline) { out += "+underline" }
        if contains(.reverse) { out += "+reverse" }
        return out
    }
}

/// A meaning, with emphasis added by the view.
package struct Style: Hashable, Sendable {
    package var scope: Scope
    package var modifiers: Modifiers

    package init(_ scope: Scope, _ modifiers: Modifiers = []) {
        self.scope = scope
        self.modifiers = modifiers
    }

    package var name: String { scope.name + modifiers.names }
}

/// A piece of text with one style.
package struct Span: Equatable, Sendable {
    package var text: String
    package var style: Style

    package init(_ text: String, _ scope: Scope = .text, _ modifiers: Modifiers = []) {
        self.text = text
        style = Style(scope, modifiers)
    }

    package init(_ text: String, style: Style) {
        self.text = text
        self.style = style
    }
}
