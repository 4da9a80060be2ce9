// Consume, transform, produce, exactly once: doubles the numbers of one topic into another, and writes what is no number to a third. What
// was read, what was written and the group's offsets are one transaction: all of it happens, or nothing.
//
//     ExampleTransfer client.properties numbers doubled failed 100
//
// The file names bootstrap.servers, group.id and transactional.id.

import Client

let words = CommandLine.arguments
guard words.count == 6, let wanted = Int(words[5]) else { fatalError("usage: ExampleTransfer client.properties IN OUT FAILED COUNT") }
let (input, output, failed) = (words[2], words[3], words[4])

var configuration = try ClientConfiguration(file: words[1])
let producer = try Producer(configuration)
// The transaction commits the offsets.
try configuration.set("enable.auto.commit", "false")
try configuration.set("isolation.level", "read_committed")
let consumer = try Consumer(configuration)

try await producer.initTransactions()
try consumer.subscribe([input])

var done = 0
while done < wanted {
    let records = try await consumer.poll(timeout: .seconds(1))
    if records.isEmpty { continue }
    do {
        try await producer.transaction {
            for record in records {
                if let number = record.value?.string.flatMap({ Int($0) }) {
                    try producer.post(OutgoingRecord(topic: output, key: record.key, value: Bytes("\(number * 2)")))
                } else {
                    let origin = Header("dead-letter.offset", "\(record.offset)")
                    try producer.post(OutgoingRecord(topic: failed, key: record.key, value: record.value, headers: [origin]))
                }
            }
            try await producer.sendOffsets(consumer.consumed, group: consumer.groupMetadata)
        }
        done += records.count
    } catch let error as KafkaError where !error.isFatal {
        print("aborted, once more: \(error)")
        try await consumer.seekToCommitted()
    }
}
print("\(done) records")
await consumer.close()
await producer.close()
