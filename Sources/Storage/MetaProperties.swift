import Primitives

/// `meta.properties`, version 1: whose directory this is.
package struct MetaProperties: Equatable, Sendable {
    package var clusterID: String
    package var nodeID: BrokerID
    package var directoryID: UUID

    package init(clusterID: String, nodeID: BrokerID, directoryID: UUID) {
        self.clusterID = clusterID
        self.nodeID = nodeID
        self.directoryID = directoryID
    }

    package var text: String {
        "version=1\ncluster.id=\(clusterID)\nnode.id=\(nodeID)\ndirectory.id=\(directoryID)\n"
    }

    /// nil where a key is missing or the version is another; lines beginning with # are comments, keys come in any order.
    package static func read(_ text: String) -> MetaProperties? {
        var found: [String: String] = [:]
        for line in text.split(whereSeparator: { $0 == "\n" || $0 == "\r\n" }) where !line.hasPrefix("#") {
            guard let equals = line.firstIndex(of: "=") else { continue }
            found[String(line[..<equals])] = String(line[line.index(after: equals)...])
        }
        guard found["version"] == "1", let cluster = found["cluster.id"], let node = found["node.id"].flatMap({ Int32($0) }) else {
            return nil
        }
        guard let directory = found["directory.id"].flatMap({ UUID($0) }) else { return nil }
        return MetaProperties(clusterID: cluster, nodeID: BrokerID(node), directoryID: directory)
    }
}

/// `.kafka_cleanshutdown`: there after a clean stop, with the epoch of the broker that stopped (KIP-966).
package enum CleanShutdownFile {
    package static func text(brokerEpoch: Int64) -> String { "{\"version\":0,\"brokerEpoch\":\(brokerEpoch)}" }

    /// The epoch, -1 where the file does not tell.
    package static func brokerEpoch(_ text: String) -> Int64 {
        guard let key = text.firstRange(of: "\"brokerEpoch\":") else { return -1 }
        let digits = text[key.upperBound...].drop { $0 == " " }.prefix { $0.isNumber || $0 == "-" }
        return Int64(digits) ?? -1
    }
}
