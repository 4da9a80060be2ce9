import ClientCore
import Primitives
import Wire

/// What each broker says of the APIs that it serves and of the features that it can, laid side by side: while a cluster is being upgraded
/// they differ, and what all of them can is less than what any of them says.
package struct VersionTable: Equatable, Sendable {
    /// As a broker tells them: nobody promises that the first is the lower.
    package struct Versions: Hashable, Sendable {
        package var min: Int16
        package var max: Int16
        package init(_ min: Int16, _ max: Int16) { (self.min, self.max) = (min, max) }
        package var text: String { min == max ? "\(min)" : "\(min)-\(max)" }
    }

    package struct Row: Equatable, Sendable {
        package var name: String
        /// Of an API.
        package var key: Int16?
        /// Brokers that do not know it are missing.
        package var versions = OrderedMap<BrokerID, Versions>()
        /// Of a feature, the level that holds for the whole cluster; 0: none.
        package var finalized: Int16?
    }

    package let brokers: [BrokerID]
    /// By number.
    package private(set) var apis: [Row] = []
    /// By name.
    package private(set) var features: [Row] = []
    package private(set) var finalizedEpoch: Int64 = -1

    package init(_ answers: [(broker: BrokerID, answer: ApiVersionsResponse)]) {
        brokers = answers.map(\.broker).sorted()
        var byKey = OrderedMap<Int16, Row>()
        var byName = OrderedMap<String, Row>()
        for (broker, answer) in answers {
            for api in answer.apiKeys {
                let name = APIKey(rawValue: api.apiKey)?.name ?? "API \(api.apiKey)"
                byKey[api.apiKey, default: Row(name: name, key: api.apiKey)].versions[broker] = Versions(api.minVersion, api.maxVersion)
            }
            for feature in answer.supportedFeatures {
                byName[feature.name, default: Row(name: feature.name, finalized: 0)].versions[broker] = Versions(
                    feature.minVersion, feature.maxVersion)
            }
            // Brokers learn of a new level one after another: the newest epoch counts.
            if answer.finalizedFeaturesEpoch >= finalizedEpoch {
                finalizedEpoch = answer.finalizedFeaturesEpoch
                for feature in answer.finalizedFeatures {
                    byName[feature.name, default: Row(name: feature.name, finalized: 0)].finalized = feature.maxVersionLevel
                }
            }
        }
        apis = byKey.keys.sorted().compactMap { byKey[$0] }
        features = byName.keys.sorted().compactMap { byName[$0] }
    }

    /// What every broker can; nil where there is no such version.
    package func common(_ row: Row) -> Versions? {
        guard !brokers.isEmpty, row.versions.count == brokers.count else { return nil }
        let (min, max) = (row.versions.values.map(\.min).max() ?? 0, row.versions.values.map(\.max).min() ?? -1)
        return min <= max ? Versions(min, max) : nil
    }

    /// Who says what, where not all say the same: `1,2: 0-12`, `3: 0-11`, `4: none`.
    package func differences(_ row: Row) -> [String] {
        var groups = OrderedMap<String, [BrokerID]>()
        var order: [String] = []
        for broker in brokers {
            let text = row.versions[broker]?.text ?? "none"
            if groups[text] == nil { order.append(text) }
            groups[text, default: []].append(broker)
        }
        guard order.count > 1 else { return [] }
        return order.map { text in VersionTable.text(groups[text] ?? []) + ": " + text }
    }

    /// Brokers that say the same of everything: in the midst of an upgrade two kinds, else one. By their lowest number.
    package var kinds: [[BrokerID]] {
        var out: [[BrokerID]] = []
        let rows = apis + features
        for broker in brokers {
            let same = out.firstIndex { kind in rows.allSatisfy { $0.versions[kind[0]] == $0.versions[broker] } }
            if let same { out[same].append(broker) } else { out.append([broker]) }
        }
        return out
    }

    /// `1-3,7`.
    package static func text(_ brokers: [BrokerID]) -> String {
        var ranges: [ClosedRange<Int32>] = []
        for id in brokers.map(\.rawValue).sorted() {
            if let last = ranges.last, id == last.upperBound + 1 { ranges[ranges.count - 1] = last.lowerBound...id } else {
                ranges.append(id...id)
            }
        }
        return ranges.map { range in
            range.count == 1 ? "\(range.lowerBound)" : "\(range.lowerBound)\(range.count == 2 ? "," : "-")\(range.upperBound)"
        }.joined(separator: ",")
    }

    /// Brokers that cannot what is finalized: they would not start again, and who has them knows why.
    package func unable(_ row: Row) -> [BrokerID] {
        guard let level = row.finalized, level > 0 else { return [] }
        return brokers.filter { broker in row.versions[broker].map { level < $0.min || level > $0.max } ?? true }
    }
}
