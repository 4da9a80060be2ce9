import Foundation
import Primitives
import Wire

/// One request and its answer, as they went over the wire between a real client and Apache Kafka.
struct Recording: CustomStringConvertible {
    var client: String
    var key: APIKey
    var version: Int16
    /// Without the bytes that a client sent after the body, which brokers ignore.
    var request: Bytes
    var sentAfterBody: Bytes
    /// Nil where there was no answer: acks=0, or a closed connection.
    var response: Bytes?

    var description: String { "\(client) \(key) v\(version)" }

    static let clients = [
        "aiokafka", "broker-to-broker", "broker-to-controller", "confluent", "java-admin", "java-consumer", "java-producer",
        "java-share-consumer", "kafka-python", "kcat", "probe", "quorum",
    ]

    static func of(_ client: String) throws -> [Recording] {
        try Fixture.rows("\(client).tsv").map { row in
            let sent = Bytes(hex: String(row[2]))!
            let end = sent.count - (row.count > 4 ? Int(row[4])! : 0)
            return Recording(
                client: client, key: APIKey(rawValue: Int16(row[0])!)!, version: Int16(row[1])!, request: sent.prefix(end),
                sentAfterBody: sent.dropFirst(end), response: row[3] == "-" ? nil : Bytes(hex: String(row[3]))!)
        }
    }

    static func all() throws -> [Recording] { try clients.flatMap { try of($0) } }
}

enum Fixture {
    static let directory = URL(filePath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
        .appending(path: "Fixtures/wire")

    static func text(_ name: String) throws -> String { try String(contentsOf: directory.appending(path: name), encoding: .utf8) }

    /// Lines of tab-separated fields; lines that begin with # are notes.
    static func rows(_ name: String) throws -> [[Substring]] {
        let lines = try text(name).split(separator: "\n").filter { !$0.hasPrefix("#") }
        return lines.map { $0.split(separator: "\t", omittingEmptySubsequences: false) }
    }
}
