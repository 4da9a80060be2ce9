import Grid
import Observatory
import Primitives

/// A wish to have other keys for an action, as a settings file or a preset spells it: `delete: D`, `groups.delete: [D, f9]`.
package struct Rebinding: Equatable, Sendable {
    package var action: Action
    /// Only where this context holds; nil: wherever the action has keys.
    package var context: KeyContext?
    package var keys: [Key]
    /// Contexts in which it is to hold besides.
    package var more: [KeyContext]
    /// Where it stands, for messages.
    package var origin: String

    package init(_ action: Action, in context: KeyContext? = nil, _ keys: [Key], also more: [KeyContext] = [], origin: String) {
        (self.action, self.context, self.keys, self.more, self.origin) = (action, context, keys, more, origin)
    }

    /// `name`: an action's, or a context's and an action's with a dot between.
    package static func parse(_ name: String, keys: [String], origin: String) -> Result<Rebinding, ConsoleFailure> {
        let parts = name.split(separator: ".", maxSplits: 1).map(String.init)
        guard let last = parts.last, let action = Action(rawValue: last) else {
            return .failure(ConsoleFailure("\(origin): there is no action \(Escape.line(name))"))
        }
        var context: KeyContext?
        if parts.count == 2 {
            guard let found = KeyContext(rawValue: parts[0]) else {
                return .failure(ConsoleFailure("\(origin): there is no view \(Escape.line(parts[0]))"))
            }
            context = found
        }
        var found: [Key] = []
        for text in keys {
            guard let key = Key(name: text) else { return .failure(ConsoleFailure("\(origin): there is no key \(Escape.line(text))")) }
            found.append(key)
        }
        return .success(Rebinding(action, in: context, found, origin: origin))
    }
}

extension KeyMap {
    package static let presetNames = ["k9s", "vim", "lazygit", "htop"]

    /// What fingers know from elsewhere; nil where there is no such preset.
    package static func preset(_ name: String) -> KeyMap? {
        func wish(_ action: Action, _ keys: String, in context: KeyContext? = nil, also more: [KeyContext] = []) -> Rebinding {
            Rebinding(action, in: context, keys.split(separator: " ").compactMap { Key(name: String($0)) }, also: more, origin: name)
        }
        let wishes: [Rebinding]
        switch name {
        case "k9s": wishes = []
        // Ctrl-d is half a page: what deletes is a capital.
        case "vim":
            wishes = [
                wish(.delete, "D f9"), wish(.resetConfig, "D"), wish(.cancelReassignment, "D f9"), wish(.abortTransaction, "D f9"),
                wish(.removeAdmin, "D f9"), wish(.deleteConnector, "D f9"), wish(.deleteSchema, "X f9"),
                wish(.halfDown, "ctrl-d", also: [.table]), wish(.halfUp, "ctrl-u", also: [.table]),
            ]
        case "lazygit":
            wishes = [
                wish(.describe, "i"), wish(.delete, "d f9"), wish(.resetConfig, "d"), wish(.cancelReassignment, "d f9"),
                wish(.abortTransaction, "d f9"), wish(.removeAdmin, "d f9"), wish(.deleteConnector, "d f9"),
                wish(.pageUp, "pgup , ctrl-b"), wish(.pageDown, "pgdn . ctrl-f"), wish(.copy, "y c", in: .table),
            ]
        case "htop":
            wishes = [wish(.filter, "/ f3 f4", in: .table), wish(.sortReverse, "I f6 O")]
        default: return nil
        }
        return try? KeyMap.standard.rebound(wishes).get()
    }

    /// The table with these wishes fulfilled, one after the other; or which of them cannot be, and why. A key that would mean two things in
    /// one place is refused, so that nothing is ever shadowed.
    package func rebound(_ wishes: [Rebinding]) -> Result<KeyMap, ConsoleFailure> {
        var map = self
        for wish in wishes {
            var isThere = false
            for index in map.bindings.indices where map.bindings[index].action == wish.action {
                if let context = wish.context, !map.bindings[index].contexts.contains(context) { continue }
                isThere = true
                map.split(index, for: wish)
            }
            guard isThere else {
                let place = wish.context.map { " in \($0.rawValue)" } ?? ""
                return .failure(ConsoleFailure("\(wish.origin): \(wish.action.rawValue) has no key\(place) to change"))
            }
        }
        for place in KeyMap.places {
            guard let conflict = map.conflict(in: place) else { continue }
            let names = [conflict.first.action, conflict.second.action]
            let culprit = wishes.last { names.contains($0.action) }
            let text = "\(conflict.key.name) would be both \(names[0].rawValue) and \(names[1].rawValue) in \(place.crumb)"
            return .failure(ConsoleFailure("\(culprit?.origin ?? "keys"): \(text)"))
        }
        return .success(map)
    }

    /// A binding of several contexts of which only one gets other keys becomes two.
    private mutating func split(_ index: Int, for wish: Rebinding) {
        if let context = wish.context, bindings[index].contexts.count > 1 {
            var rest = bindings[index]
            rest.contexts.removeAll { $0 == context }
            bindings.append(rest)
            bindings[index].contexts = [context]
        }
        bindings[index].keys = wish.keys
        let more = wish.more.filter { !bindings[index].contexts.contains($0) }
        bindings[index].contexts += more
    }

    /// One of each kind of place, for checks of the whole table.
    package static let places: [Place] = [
        .overview, .brokers, .topics, .topic("t"), .partitions, .reassignments, .quorum, .groups, .group("g"), .events,
        .configs(.topic("t")), .contexts, .tail("t"), .message("m"), .help, .heat, .why(.group("g")),
        .transactions, .transaction("t"), .hanging, .access, .quotas, .users, .features, .alerts, .clients, .clusters, .diff("c"),
        .connectors, .connector(ConnectorName("c", "n")), .schemas, .schema("s"),
    ]

    package func conflict(in place: Place) -> (key: Key, first: KeyBinding, second: KeyBinding)? {
        let shown = bindings(in: place)
        for (index, binding) in shown.enumerated() {
            for other in shown[(index + 1)...] {
                if let key = binding.keys.first(where: { other.keys.contains($0) }) { return (key, binding, other) }
            }
        }
        return nil
    }
}
