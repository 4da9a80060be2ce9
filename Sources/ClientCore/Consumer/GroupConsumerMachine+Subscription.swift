import Primitives
import Wire

// What members tell the group's leader about themselves, in the words of Kafka's own assignors.
extension GroupConsumerMachine {
    func subscription(for assignor: ConsumerAssignor) -> Bytes {
        var subscription = ConsumerProtocolSubscription()
        subscription.topics = topics
        subscription.ownedPartitions = byTopic(owned.keys).map { topic, partitions in
            var part = ConsumerProtocolSubscription.TopicPartitions()
            (part.topic, part.partitions) = (topic, partitions.map(\.partition))
            return part
        }
        subscription.generationID = owned.isEmpty ? -1 : generationID
        subscription.rackID = options.rack
        if assignor == .sticky { subscription.userData = StickyUserData(lastAssigned.partitions, lastAssigned.generationID).encoded() }
        return subscription.encoded()
    }
}

extension AssignedMember {
    /// A member whose subscription cannot be read takes part in the round with nothing.
    init(_ member: JoinGroupResponse.Member, _ assignor: ConsumerAssignor) {
        let subscription = (try? ConsumerProtocolSubscription.decode(member.metadata)) ?? ConsumerProtocolSubscription()
        self.init(id: member.memberID, groupInstanceID: member.groupInstanceID, topics: subscription.topics)
        owned = subscription.ownedPartitions.flatMap { part in part.partitions.map { TopicPartition(part.topic, $0) } }
        generationID = subscription.generationID
        if assignor == .sticky, let told = subscription.userData.flatMap({ StickyUserData($0) }) {
            (owned, generationID) = (told.partitions, told.generationID)
        }
    }
}

/// What a member of the eager sticky assignor says it had: its `userData`, version 1 with the generation. An eager member owns nothing
/// while it rejoins, so that the subscription's own field is empty.
struct StickyUserData: Equatable {
    var partitions: [TopicPartition]
    var generationID: Int32

    init(_ partitions: [TopicPartition], _ generationID: Int32) { (self.partitions, self.generationID) = (partitions, generationID) }

    /// Nil where the bytes are something else.
    init?(_ bytes: Bytes) {
        var reader = ByteReader(bytes)
        do throws(ByteError) {
            var partitions: [TopicPartition] = []
            for _ in 0..<(try StickyUserData.count(&reader, each: 6)) {
                let length: Int16 = try reader.integer()
                guard length >= 0, let topic = try reader.slice(Int(length)).string else { return nil }
                for _ in 0..<(try StickyUserData.count(&reader, each: 4)) { partitions.append(TopicPartition(topic, try reader.integer())) }
            }
            let generation: Int32 = reader.isAtEnd ? -1 : try reader.integer()
            self.init(partitions.sorted(), generation)
        } catch {
            return nil
        }
    }

    /// A count that the rest of the bytes can hold.
    private static func count(_ reader: inout ByteReader, each bytes: Int) throws(ByteError) -> Int {
        let count: Int32 = try reader.integer()
        return min(max(0, Int(count)), reader.remaining / bytes + 1)
    }

    func encoded() -> Bytes {
        var writer = ByteWriter()
        let topics = byTopic(partitions)
        writer.integer(Int32(topics.count))
        for (topic, partitions) in topics {
            writer.integer(Int16(clamping: topic.utf8.count))
            writer.text(topic)
            writer.integer(Int32(partitions.count))
            for partition in partitions { writer.integer(partition.partition) }
        }
        writer.integer(generationID)
        return writer.finish()
    }
}
