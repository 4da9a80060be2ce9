import Primitives

/// A setting of the Java client, and what becomes of it here.
struct ConfigurationKey: Sendable {
    enum Kind: Sendable {
        case text(String)
        case list(String)
        case integer(ClosedRange<Int64>, standard: Int64)
        case flag(Bool)
        case choice([String], standard: String)
        /// `auto.offset.reset`: one of the words, or `by_duration:` with an ISO duration.
        case offsetReset
    }

    enum Use: Sendable {
        case used(Kind)
        case ignored(String)
        case refused(String)
    }

    let name: String
    let use: Use

    static func named(_ name: String) -> ConfigurationKey? {
        if let exact = all.first(where: { $0.name == name }) { return exact }
        return prefixes.first { name.hasPrefix($0.name) }
    }

    /// The key that differs least from a word, where that is little.
    static func nearest(to word: String) -> String? {
        let ranked = all.map { (name: $0.name, distance: distance(word, $0.name)) }.min { $0.distance < $1.distance }
        return ranked.flatMap { $0.distance <= 4 ? $0.name : nil }
    }

    static func list(_ text: String) -> [String] {
        text.split(separator: ",").map { part in
            var part = part
            while part.first == " " { part.removeFirst() }
            while part.last == " " { part.removeLast() }
            return String(part)
        }
    }

    /// Insertions, deletions and exchanges that make one word of the other.
    private static func distance(_ a: String, _ b: String) -> Int {
        let (a, b) = (Array(a.utf8), Array(b.utf8))
        var row = Array(0...b.count)
        for i in a.indices {
            var left = row[0]
            row[0] = i + 1
            for j in b.indices {
                let next = min(row[j + 1] + 1, row[j] + 1, left + (a[i] == b[j] ? 0 : 1))
                (left, row[j + 1]) = (row[j + 1], next)
            }
        }
        return row[b.count]
    }
}

extension ConfigurationKey.Kind {
    var standard: String {
        switch self {
        case .text(let value), .list(let value), .choice(_, let value): value
        case .integer(_, let value): "\(value)"
        case .flag(let value): "\(value)"
        case .offsetReset: "latest"
        }
    }

    /// What is wrong with a value; nil where nothing is.
    func complaint(about value: String) -> String? {
        switch self {
        case .text, .list: return nil
        case .integer(let range, _):
            guard let number = Int64(value) else { return "wants a number" }
            return range.contains(number) ? nil : "wants a number from \(range.lowerBound) to \(range.upperBound)"
        case .flag: return ["true", "false"].contains(value.lowercased()) ? nil : "wants true or false"
        case .choice(let values, _):
            return ConfigurationKey.list(value).allSatisfy { values.contains($0) } ? nil : "wants one of \(values.joined(separator: ", "))"
        case .offsetReset:
            return resetDuration(value) != nil || ["earliest", "latest", "none"].contains(value)
                ? nil : "wants earliest, latest, none, or by_duration:PnDTnHnMn.nS"
        }
    }
}
