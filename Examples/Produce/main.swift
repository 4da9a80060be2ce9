// Writes the lines of standard input, each "key<TAB>value" or a value alone, and prints where each went.
//
//     printf 'a\t1\nb\t2\n' | ExampleProduce client.properties orders

import Client

guard CommandLine.arguments.count == 3 else { fatalError("usage: ExampleProduce client.properties TOPIC") }
let producer = try Producer(ClientConfiguration(file: CommandLine.arguments[1]))
let topic = CommandLine.arguments[2]

// Enqueued one after the other, they are written in the order of the lines; where each went is known later.
var sent: [PendingRecord] = []
while let line = readLine() {
    let parts = line.split(separator: "\t", maxSplits: 1, omittingEmptySubsequences: false).map(String.init)
    let record = OutgoingRecord(topic: topic, key: parts.count == 2 ? parts[0] : nil, value: parts[parts.count - 1])
    sent.append(try await producer.enqueue(record))
}
for record in sent {
    let place = try await record.metadata
    print(place.partition, place.offset ?? -1)
}
await producer.close()
