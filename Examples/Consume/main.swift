// Reads a topic as a member of the group that the file names, and prints partition, offset, key and value of each record, until so many
// were read.
//
//     ExampleConsume client.properties orders 100

import Client

guard CommandLine.arguments.count == 4, let wanted = Int(CommandLine.arguments[3]) else {
    fatalError("usage: ExampleConsume client.properties TOPIC COUNT")
}
let consumer = try Consumer(ClientConfiguration(file: CommandLine.arguments[1]))
try consumer.subscribe([CommandLine.arguments[2]])

var left = wanted
for try await record in consumer.records {
    print("\(record.partition)\t\(record.offset)\t\(record.key?.string ?? "-")\t\(record.value?.string ?? "-")")
    left -= 1
    if left == 0 { break }
}
await consumer.close()
