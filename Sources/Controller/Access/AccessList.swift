import Primitives
import Wire

/// All access control entries, with an index, so that a question looks at the entries of one principal on the few patterns that a name
/// falls under: its own, `*`, and one prefix for each length in use.
package struct AccessList: Equatable, Sendable {
    /// The entries of one pattern.
    private struct Holders: Equatable, Sendable {
        var count = 0
        var byPrincipal: [String: [AccessEntry]] = [:]
    }

    package private(set) var entries: OrderedMap<UUID, AccessEntry> = OrderedMap()
    private var patterns: [ResourcePattern: Holders] = [:]
    private var ids: [AccessEntry: UUID] = [:]
    /// By type, the lengths in bytes that prefixes have, with how many patterns have each.
    private var prefixLengths: [ResourceType: OrderedMap<Int, Int>] = [:]

    package init() {}

    package var isEmpty: Bool { entries.isEmpty }
    package func contains(_ entry: AccessEntry) -> Bool { ids[entry] != nil }
    package func id(of entry: AccessEntry) -> UUID? { ids[entry] }
    /// In the order of their patterns.
    package var sorted: [AccessEntry] { entries.values.sorted() }
    package func matching(_ filter: AccessFilter) -> [AccessEntry] { entries.values.filter(filter.matches).sorted() }

    mutating func insert(_ entry: AccessEntry, id: UUID) {
        remove(id)
        entries[id] = entry
        ids[entry] = id
        if patterns[entry.pattern] == nil { countLength(entry.pattern, 1) }
        patterns[entry.pattern, default: Holders()].count += 1
        patterns[entry.pattern]?.byPrincipal[entry.principal, default: []].append(entry)
    }

    mutating func remove(_ id: UUID) {
        guard let entry = entries.remove(id) else { return }
        if ids[entry] == id { ids[entry] = nil }
        guard var holders = patterns.removeValue(forKey: entry.pattern) else { return }
        holders.count -= 1
        guard holders.count > 0 else { return countLength(entry.pattern, -1) }
        if let index = holders.byPrincipal[entry.principal]?.firstIndex(of: entry) {
            holders.byPrincipal[entry.principal]?.remove(at: index)
            if holders.byPrincipal[entry.principal]?.isEmpty == true { holders.byPrincipal[entry.principal] = nil }
        }
        patterns[entry.pattern] = holders
    }

    private mutating func countLength(_ pattern: ResourcePattern, _ change: Int) {
        guard pattern.patternType == .prefixed else { return }
        let length = pattern.name.utf8.count
        let count = (prefixLengths[pattern.type]?[length] ?? 0) + change
        prefixLengths[pattern.type, default: OrderedMap()][length] = count > 0 ? count : nil
        if prefixLengths[pattern.type]?.isEmpty == true { prefixLengths[pattern.type] = nil }
    }

    /// Calls `body` with the entries that each of the principals has on each pattern the resource falls under, until it returns false.
    /// Returns whether there is any entry about the resource at all, be it anybody's.
    func visit(
        _ type: ResourceType, _ name: String, of principals: [String], _ body: ([AccessEntry]) -> Bool
    ) -> Bool {
        var found = false
        var goesOn = true
        func look(_ pattern: ResourcePattern) {
            guard goesOn, let holders = patterns[pattern] else { return }
            found = true
            for principal in principals where goesOn {
                if let entries = holders.byPrincipal[principal] { goesOn = body(entries) }
            }
        }
        look(ResourcePattern(type, name))
        if name != ResourcePattern.wildcard { look(ResourcePattern(type, ResourcePattern.wildcard)) }
        guard goesOn, let lengths = prefixLengths[type] else { return found }
        let bytes = name.utf8
        for length in lengths.keys {
            guard goesOn, length <= bytes.count else { break }
            look(ResourcePattern(type, String(decoding: bytes.prefix(length), as: UTF8.self), .prefixed))
        }
        return found
    }
}
