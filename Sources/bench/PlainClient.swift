import Glibc
import Primitives
import Reactor
import Records
import Wire

/// A client of one connection that sends a request and waits for its answer: no metadata kept, no retries, nothing in the way of a clock.
final class PlainClient {
    let descriptor: Int32

    /// Nil where nobody listens, or nobody answers within the time.
    init?(port: Int, seconds: Int = 10) {
        guard let made = BlockingSocket.connect(port: port) else { return nil }
        descriptor = made
        var limit = timeval(tv_sec: seconds, tv_usec: 0)
        setsockopt(made, SOL_SOCKET, SO_RCVTIMEO, &limit, socklen_t(MemoryLayout<timeval>.size))
    }

    deinit { close(descriptor) }

    /// Nil where the connection broke, or said nothing for too long.
    func ask<R: WireRequest>(_ request: R, version: Int16) -> R.Response? {
        send(request, version: version) ? receive(R.self, version: version) : nil
    }

    /// Without waiting for the answer; one request at a time.
    func send<R: WireRequest>(_ request: R, version: Int16) -> Bool {
        let frame = encodeRequest(request, version: version, correlationID: 1, clientID: "bench")
        return frame.bytes.withUnsafeBytes { BlockingSocket.write(descriptor, $0) }
    }

    /// The answer to what was sent.
    func receive<R: WireRequest>(_ type: R.Type, version: Int16) -> R.Response? {
        guard let answer = BlockingSocket.readFrame(descriptor) else { return nil }
        return try? decodeResponse(answer, to: R.self, version: version).response
    }

    func makeTopic(_ name: String, replicas: Int16, partitions: Int32 = 1) -> ErrorCode? {
        var topic = CreateTopicsRequest.Topic()
        (topic.name, topic.numPartitions, topic.replicationFactor) = (name, partitions, replicas)
        var request = CreateTopicsRequest()
        request.topics = [topic]
        request.timeoutMs = 60_000
        return ask(request, version: 5)?.topics.first?.errorCode
    }

    struct Leadership {
        var leader: Int32
        var port: Int
        var inSyncReplicas: [Int32]
    }

    /// Of the topic's first partition; nil while it has no leader.
    func leadership(_ topic: String) -> Leadership? {
        guard let answer = ask(PlainClient.metadata(topic), version: 7), let partition = answer.topics.first?.partitions.first,
            let broker = answer.brokers.first(where: { $0.nodeID == partition.leaderID })
        else { return nil }
        return Leadership(leader: partition.leaderID, port: Int(broker.port), inSyncReplicas: partition.isrNodes)
    }

    /// One record, acknowledged by all in-sync replicas.
    func produce(_ topic: String) -> ErrorCode? {
        let request = PlainClient.record(Bytes("first"), topic, 0, timeoutMs: 5000)
        return ask(request, version: 7)?.topics.first?.partitions.first?.errorCode
    }

    /// What asks for one topic.
    static func metadata(_ topic: String) -> MetadataRequest {
        var wanted = MetadataRequest.Topic()
        wanted.name = topic
        var request = MetadataRequest()
        request.topics = [wanted]
        return request
    }

    /// What sends one record, to be acknowledged by all in-sync replicas.
    static func record(_ value: Bytes, _ topic: String, _ index: Int32, timeoutMs: Int32) -> ProduceRequest {
        var builder = BatchBuilder()
        builder.append(timestamp: SystemClock.wall(), key: nil, value: value)
        var partition = ProduceRequest.Partition()
        partition.index = index
        partition.records = .bytes(builder.buildUncompressed())
        var row = ProduceRequest.Topic()
        row.name = topic
        row.partitions = [partition]
        var request = ProduceRequest()
        (request.acks, request.timeoutMs, request.topics) = (-1, timeoutMs, [row])
        return request
    }
}
