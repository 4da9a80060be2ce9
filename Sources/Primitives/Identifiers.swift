/// An offset in a partition's log. Offsets subtract to counts and advance by counts; two offsets never add.
package struct Offset: RawRepresentable, Hashable, Comparable, Sendable {
    package var rawValue: Int64
    @inlinable package init(rawValue: Int64) { self.rawValue = rawValue }
    @inlinable package init(_ value: Int64) { rawValue = value }

    package static let zero = Offset(0)
    /// What the protocol sends where there is no offset.
    package static let none = Offset(-1)

    @inlinable package static func < (a: Offset, b: Offset) -> Bool { a.rawValue < b.rawValue }
    @inlinable package static func - (a: Offset, b: Offset) -> Int64 { a.rawValue &- b.rawValue }
    @inlinable package static func + (a: Offset, count: Int64) -> Offset { Offset(a.rawValue &+ count) }
}

extension Offset: CustomStringConvertible, ExpressibleByIntegerLiteral {
    package var description: String { String(rawValue) }
    package init(integerLiteral value: Int64) { rawValue = value }
}

/// The version of a partition's leadership; grows with each new leader (KIP-101).
package struct LeaderEpoch: RawRepresentable, Hashable, Comparable, Sendable, ExpressibleByIntegerLiteral, CustomStringConvertible {
    package var rawValue: Int32
    @inlinable package init(rawValue: Int32) { self.rawValue = rawValue }
    @inlinable package init(_ value: Int32) { rawValue = value }
    package init(integerLiteral value: Int32) { rawValue = value }
    package static let none = LeaderEpoch(-1)
    @inlinable package static func < (a: LeaderEpoch, b: LeaderEpoch) -> Bool { a.rawValue < b.rawValue }
    package var description: String { String(rawValue) }
}

/// A broker's `node.id`.
package struct BrokerID: RawRepresentable, Hashable, Comparable, Sendable, ExpressibleByIntegerLiteral, CustomStringConvertible {
    package var rawValue: Int32
    @inlinable package init(rawValue: Int32) { self.rawValue = rawValue }
    @inlinable package init(_ value: Int32) { rawValue = value }
    package init(integerLiteral value: Int32) { rawValue = value }
    package static let none = BrokerID(-1)
    @inlinable package static func < (a: BrokerID, b: BrokerID) -> Bool { a.rawValue < b.rawValue }
    package var description: String { String(rawValue) }
}

/// A partition by its topic's name. Ordered by topic, then index.
package struct TopicPartition: Hashable, Comparable, Sendable, CustomStringConvertible {
    package var topic: String
    package var partition: Int32

    package init(_ topic: String, _ partition: Int32) {
        self.topic = topic
        self.partition = partition
    }

    package static func < (a: TopicPartition, b: TopicPartition) -> Bool {
        a.topic == b.topic ? a.partition < b.partition : a.topic < b.topic
    }
    package var description: String { "\(topic)-\(partition)" }
}
