import Controller
import Primitives
import Records
import Testing
import Wire

@testable import Broker

/// A broker with a topic that a share group reads; its members speak the wire themselves, and the test plays the group coordinator.
final class ShareStory {
    let story: BrokerStory
    let topicID: Primitives.UUID
    let topic: String
    let group: String
    private var epochs: [String: Int32] = [:]

    init(_ settings: [(String, String)] = [], topic: String = "work", group: String = "g", earliest: Bool = true) throws {
        story = try BrokerStory(settings)
        (self.topic, self.group) = (topic, group)
        try story.makeTopic(topic)
        topicID = try #require(story.broker.image.topic(topic)?.id)
        if earliest { try configure(["share.auto.offset.reset": "earliest"]) }
        var find = FindCoordinatorRequest()
        find.keyType = 2
        find.coordinatorKeys = ["\(group):\(topicID.text):0"]
        let first = try #require(try story.ask(find, version: 6)?.coordinators.first)
        #expect(first.errorCode == .coordinatorNotAvailable, "the topic is being made")
        let second = try #require(try story.ask(find, version: 6)?.coordinators.first)
        #expect(second.errorCode == .none && second.nodeID == 1)
    }

    /// The group's settings, straight into the image: what may be set is the controller's business.
    func configure(_ settings: [String: String]) throws {
        story.change { broker in
            for (key, value) in settings.sorted(by: { $0.key < $1.key }) {
                var record = ConfigRecord()
                (record.resourceType, record.resourceName, record.name, record.value) = (32, group, key, value)
                var delta = ClusterImageDelta()
                broker.image.apply(.config(record), at: 0, into: &delta)
            }
        }
    }

    @discardableResult
    func initialize(stateEpoch: Int32 = 1, start: Int64 = -1) throws -> ErrorCode? {
        var request = InitializeShareGroupStateRequest()
        request.groupID = group
        var row = InitializeShareGroupStateRequest.Topic()
        row.topicID = topicID
        var partition = InitializeShareGroupStateRequest.Partition()
        (partition.stateEpoch, partition.startOffset) = (stateEpoch, start)
        row.partitions = [partition]
        request.topics = [row]
        return try story.ask(request, version: 0, on: 99)?.results.first?.partitions.first?.errorCode
    }

    func summary() throws -> ReadShareGroupStateSummaryResponse.Partition? {
        var request = ReadShareGroupStateSummaryRequest()
        request.groupID = group
        var row = ReadShareGroupStateSummaryRequest.Topic()
        row.topicID = topicID
        row.partitions = [ReadShareGroupStateSummaryRequest.Partition()]
        request.topics = [row]
        return try story.ask(request, version: 1, on: 99)?.results.first?.partitions.first
    }

    // MARK: - Members

    static func acknowledgement(_ first: Int64, _ last: Int64, _ types: [Int8]) -> AcknowledgementBatch {
        var batch = AcknowledgementBatch()
        (batch.firstOffset, batch.lastOffset, batch.acknowledgeTypes) = (first, last, types)
        return batch
    }

    private func topics(_ batches: [AcknowledgementBatch]) -> [ShareFetchRequest.Topic] {
        var row = ShareFetchRequest.Topic()
        row.topicID = topicID
        var partition = ShareFetchRequest.Partition()
        partition.acknowledgementBatches = batches
        row.partitions = [partition]
        return [row]
    }

    /// Each member has a connection of its own.
    func connection(_ member: String) -> UInt64 { 10 + UInt64(member.utf8.first ?? 0) }

    func send(
        _ member: String, _ batches: [AcknowledgementBatch] = [], epoch: Int32? = nil, wait: Int32 = 0, max: Int32 = 500, mode: Int8 = 0
    ) throws {
        var request = ShareFetchRequest()
        (request.groupID, request.memberID) = (group, member)
        request.shareSessionEpoch = epoch ?? epochs[member] ?? 0
        epochs[member] = request.shareSessionEpoch + 1
        (request.maxWaitMs, request.minBytes, request.maxRecords, request.batchSize) = (wait, 1, max, 500)
        request.shareAcquireMode = mode
        if request.shareSessionEpoch == 0 || !batches.isEmpty { request.topics = topics(batches) }
        try story.send(request, version: 2, on: connection(member))
    }

    func answer(_ member: String) throws -> ShareFetchResponse? {
        try story.answer(to: ShareFetchRequest.self, version: 2, on: connection(member))
    }

    func fetch(
        _ member: String, _ batches: [AcknowledgementBatch] = [], epoch: Int32? = nil, wait: Int32 = 0, max: Int32 = 500, mode: Int8 = 0
    ) throws -> ShareFetchResponse {
        try send(member, batches, epoch: epoch, wait: wait, max: max, mode: mode)
        return try #require(try answer(member))
    }

    /// What a fetch got: its values that are the member's, each with the number of its delivery.
    func take(_ member: String, _ batches: [AcknowledgementBatch] = [], max: Int32 = 500, mode: Int8 = 0) throws -> [String] {
        try ShareStory.values(try fetch(member, batches, max: max, mode: mode))
    }

    static func values(_ response: ShareFetchResponse) throws -> [String] {
        guard let partition = response.responses.first?.partitions.first, let bytes = partition.records.inMemory else { return [] }
        var values: [String] = []
        var walk = BatchWalk(bytes)
        while let batch = try walk.next() {
            for record in try batch.records(BrokerStory.plainCodecs) {
                let offset = record.offset.rawValue
                let mine = partition.acquiredRecords.first { $0.firstOffset <= offset && offset <= $0.lastOffset }
                if let mine { values.append("\(record.value?.lossyString ?? "null")/\(mine.deliveryCount)") }
            }
        }
        return values
    }

    func acknowledge(_ member: String, _ batches: [AcknowledgementBatch], epoch: Int32? = nil, renew: Bool = false) throws
        -> ShareAcknowledgeResponse
    {
        var request = ShareAcknowledgeRequest()
        (request.groupID, request.memberID, request.isRenewAck) = (group, member, renew)
        request.shareSessionEpoch = epoch ?? epochs[member] ?? 0
        epochs[member] = request.shareSessionEpoch + 1
        if !batches.isEmpty { request.topics = topics(batches) }
        return try #require(try story.ask(request, version: 2, on: connection(member)))
    }
}
