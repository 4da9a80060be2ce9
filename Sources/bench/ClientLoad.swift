import Client
import Glibc
import Synchronization

/// The client library at full speed against a broker, one figure per run; what loader.c is for librdkafka, with the same settings.
///
///     bench client-load produce HOST:PORT TOPIC COUNT SIZE        time from the first record to the last outcome
///     bench client-load consume HOST:PORT TOPIC COUNT PARTITIONS  time from the first record to the COUNTth
///
/// Prints one line, `RECORDS BYTES SECONDS`.
enum ClientLoad {
    static func start(_ words: [String]) async {
        guard words.count == 5, let count = Int(words[3]), let last = Int(words[4]) else {
            print("usage: bench client-load produce|consume HOST:PORT TOPIC COUNT SIZE|PARTITIONS")
            exit(1)
        }
        do {
            if words[0] == "produce" {
                try await produce(words[1], words[2], count, last)
            } else {
                try await consume(words[1], words[2], count, Int32(last))
            }
        } catch {
            print("bench: \(error)")
            exit(1)
        }
    }

    private static func produce(_ address: String, _ topic: String, _ count: Int, _ size: Int) async throws {
        let producer = try Producer(
            ClientConfiguration(properties: [
                "bootstrap.servers": address, "acks": "1", "linger.ms": "5", "batch.size": "1000000", "buffer.memory": "67108864",
                "enable.idempotence": "false",
            ]))
        // Bytes that no codec makes nothing of, the same in every run.
        var chance: UInt32 = 12_345
        let payload = Bytes(
            (0..<size).map { _ in
                chance = chance &* 1_103_515_245 &+ 12_345
                return UInt8(97 + (chance >> 16) % 26)
            })
        let record = OutgoingRecord(topic: topic, key: nil, value: payload)
        // One first: connecting and the topic's metadata are not what is measured.
        try await producer.send(record)
        let failures = Atomic<Int>(0)
        let start = ticks()
        try fill(producer, record, count) { outcome in
            if case .failure = outcome { failures.add(1, ordering: .relaxed) }
        }
        await producer.flush()
        print("\(count) \(count * size) \(seconds(since: start))")
        if failures.load(ordering: .relaxed) > 0 { exit(1) }
    }

    /// Blocks where the buffer is full, as callers without tasks do.
    private static func fill(
        _ producer: Producer, _ record: OutgoingRecord, _ count: Int, _ completion: @escaping @Sendable (Producer.Outcome) -> Void
    ) throws {
        for _ in 0..<count { try producer.send(record, completion: completion) }
    }

    private static func consume(_ address: String, _ topic: String, _ count: Int, _ partitions: Int32) async throws {
        let consumer = try Consumer(
            ClientConfiguration(properties: [
                "bootstrap.servers": address, "auto.offset.reset": "earliest", "max.partition.fetch.bytes": "4194304",
                "max.poll.records": "10000",
            ]))
        try consumer.assign((0..<partitions).map { TopicPartition(topic, $0) })
        var (seen, bytes, start) = (0, 0, Int64(0))
        while seen < count {
            let records = try await consumer.poll(timeout: .seconds(20))
            guard !records.isEmpty else { exit(1) }
            if start == 0 { start = ticks() }
            seen += records.count
            for record in records { bytes += record.value?.count ?? 0 }
        }
        print("\(seen) \(bytes) \(seconds(since: start))")
        await consumer.close()
    }
}
