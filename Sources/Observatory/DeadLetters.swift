import Primitives

/// Where a dead letter came from and why it is one, as its headers say. Understood are those of Kafka Connect, Spring for Apache Kafka,
/// Kafka Streams (KIP-1034), and of our own client's processing loop.
package struct DeadLetterOrigin: Equatable, Sendable {
    package var topic: String
    package var partition: Int32?
    package var offset: Int64?
    /// What went wrong, in the words of whoever gave up.
    package var error: String?
    /// Who wrote it.
    package var writer: String

    private struct Names {
        var writer: String
        /// What all its headers begin with.
        var prefix: String
        var topic: String
        var partition: String
        var offset: String
        var errors: [String]
        /// Numbers are big-endian bytes instead of text.
        var isBinary = false
    }

    private static let known = [
        Names(
            writer: "Kafka Connect", prefix: "__connect.errors.", topic: "topic", partition: "partition", offset: "offset",
            errors: ["exception.message", "exception.class.name"]),
        Names(
            writer: "Spring", prefix: "kafka_dlt-", topic: "original-topic", partition: "original-partition", offset: "original-offset",
            errors: ["exception-message", "exception-fqcn"], isBinary: true),
        Names(
            writer: "Kafka Streams", prefix: "__streams.errors.", topic: "topic", partition: "partition", offset: "offset",
            errors: ["message", "exception"]),
        Names(
            writer: "Kastellan", prefix: "dead-letter.", topic: "topic", partition: "partition", offset: "offset", errors: ["error"]),
    ]

    /// Nil where no header says where the message came from.
    package init?(headers: [(name: String, value: Bytes?)]) {
        for names in DeadLetterOrigin.known {
            // A message that failed again has the headers again: the last say where it came from now.
            func last(_ name: String) -> Bytes? { headers.last { $0.name == names.prefix + name }?.value }
            guard let topic = last(names.topic)?.string, !topic.isEmpty else { continue }
            self.topic = topic
            writer = names.writer
            partition = last(names.partition).flatMap { DeadLetterOrigin.number($0, isBinary: names.isBinary) }.flatMap {
                Int32(exactly: $0)
            }
            offset = last(names.offset).flatMap { DeadLetterOrigin.number($0, isBinary: names.isBinary) }
            error = names.errors.lazy.compactMap { last($0)?.lossyString }.first { !$0.isEmpty }
            return
        }
        return nil
    }

    private static func number(_ bytes: Bytes, isBinary: Bool) -> Int64? {
        if isBinary && (bytes.count == 4 || bytes.count == 8) {
            return bytes.array.reduce(bytes.count == 4 && bytes[0] >= 0x80 ? -1 : 0) { $0 << 8 | Int64($1) }
        }
        return bytes.string.flatMap { Int64($0) }
    }

    /// Whether a header says something of the message's failure.
    package static func isErrorHeader(_ name: String) -> Bool { known.contains { name.hasPrefix($0.prefix) } }

    /// What dead letter topics are called, as a pattern: `orders.DLT`, `orders-dlq`, `dlq.orders`, `dead-letters`, `orders_errors`.
    package static let topicPattern = "(^|[._-])(dl[qt]|dead[._-]?letters?([._-]queue)?|errors?)([._-]|$)"
}
