import Primitives

/// What a group must know of the cluster around it: topics, their partitions, settings of groups. The broker gives it for the length of one
/// change of the coordinator; nothing of it is kept.
///
/// Functions in a structure, not a protocol: a stored existential would make the coordinator, and with it the broker, a type that is only
/// ever handled by address.
package struct GroupSurroundings: Sendable {
    /// Grows with every change of any topic: what was found at the same version still holds.
    package var version: Int64
    private let allNames: @Sendable () -> [String]
    private let findTopic: @Sendable (String) -> GroupTopic?
    private let findName: @Sendable (UUID) -> String?
    private let findRacks: @Sendable (String, Int32) -> [String]
    private let findSetting: @Sendable (String, String) -> String?

    package init(
        version: Int64, topicNames: @escaping @Sendable () -> [String], topic: @escaping @Sendable (String) -> GroupTopic?,
        topicName: @escaping @Sendable (UUID) -> String?, racks: @escaping @Sendable (String, Int32) -> [String] = { _, _ in [] },
        setting: @escaping @Sendable (String, String) -> String? = { _, _ in nil }
    ) {
        self.version = version
        allNames = topicNames
        findTopic = topic
        findName = topicName
        findRacks = racks
        findSetting = setting
    }

    /// A cluster without topics.
    package static let none = GroupSurroundings(version: -1, topicNames: { [] }, topic: { _ in nil }, topicName: { _ in nil })

    /// In order of their names: those that a regular expression may tell of.
    package var topicNames: [String] { allNames() }
    package func topic(_ name: String) -> GroupTopic? { findTopic(name) }
    package func topicName(_ id: UUID) -> String? { findName(id) }
    /// The racks of the brokers that hold a replica of the partition; empty where they tell none.
    package func racks(of topic: String, _ partition: Int32) -> [String] { findRacks(topic, partition) }
    /// What was set for this group alone.
    package func setting(_ key: String, of group: String) -> String? { findSetting(key, group) }
}

package struct GroupTopic: Equatable, Sendable {
    package var name: String
    package var id: UUID
    package var partitionCount: Int32

    package init(name: String, id: UUID, partitionCount: Int32) {
        self.name = name
        self.id = id
        self.partitionCount = partitionCount
    }
}
