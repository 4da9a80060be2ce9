/// An offset in a partition's log. Offsets subtract to counts and advance by counts; two offsets never add.
public struct Offset: RawRepresentable, Hashable, Comparable, Sendable {
    public var rawValue: Int64
    @inlinable public init(rawValue: Int64) { self.rawValue = rawValue }
    @inlinable public init(_ value: Int64) { rawValue = value }

    public static let zero = Offset(0)
    /// What the protocol sends where there is no offset.
    public static let none = Offset(-1)

    @inlinable public static func < (a: Offset, b: Offset) -> Bool { a.rawValue < b.rawValue }
    @inlinable public static func - (a: Offset, b: Offset) -> Int64 { a.rawValue &- b.rawValue }
    @inlinable public static func + (a: Offset, count: Int64) -> Offset { Offset(a.rawValue &+ count) }
}

extension Offset: CustomStringConvertible, ExpressibleByIntegerLiteral {
    public var description: String { String(rawValue) }
    public init(integerLiteral value: Int64) { rawValue = value }
}

/// The version of a partition's leadership; grows with each new leader (KIP-101).
public struct LeaderEpoch: RawRepresentable, Hashable, Comparable, Sendable, ExpressibleByIntegerLiteral, CustomStringConvertible {
    public var rawValue: Int32
    @inlinable public init(rawValue: Int32) { self.rawValue = rawValue }
    @inlinable public init(_ value: Int32) { rawValue = value }
    public init(integerLiteral value: Int32) { rawValue = value }
    public static let none = LeaderEpoch(-1)
    @inlinable public static func < (a: LeaderEpoch, b: LeaderEpoch) -> Bool { a.rawValue < b.rawValue }
    public var description: String { String(rawValue) }
}

/// A broker's `node.id`.
public struct BrokerID: RawRepresentable, Hashable, Comparable, Sendable, ExpressibleByIntegerLiteral, CustomStringConvertible {
    public var rawValue: Int32
    @inlinable public init(rawValue: Int32) { self.rawValue = rawValue }
    @inlinable public init(_ value: Int32) { rawValue = value }
    public init(integerLiteral value: Int32) { rawValue = value }
    public static let none = BrokerID(-1)
    @inlinable public static func < (a: BrokerID, b: BrokerID) -> Bool { a.rawValue < b.rawValue }
    public var description: String { String(rawValue) }
}

/// A partition by its topic's name. Ordered by topic, then index.
public struct TopicPartition: Hashable, Comparable, Sendable, CustomStringConvertible {
    public var topic: String
    public var partition: Int32

    public init(_ topic: String, _ partition: Int32) {
        self.topic = topic
        self.partition = partition
    }

    public static func < (a: TopicPartition, b: TopicPartition) -> Bool {
        a.topic == b.topic ? a.partition < b.partition : a.topic < b.topic
    }
    public var description: String { "\(topic)-\(partition)" }
}
