/// The rules for names of topics (KIP-5 and Kafka's own check).
package enum TopicNames {
    package static let lengthMax = 249
    package static let internalTopics = ["__consumer_offsets", "__share_group_state", "__transaction_state"]
    package static let metadata = "__cluster_metadata"

    package static func isInternal(_ name: String) -> Bool { internalTopics.contains(name) }

    /// What is wrong with a name, in Kafka's words, or nil.
    package static func problem(_ name: String) -> String? {
        if name.isEmpty { return "Topic name is invalid: the empty string is not allowed" }
        if name == "." || name == ".." { return "Topic name is invalid: '\(name)' is not allowed" }
        if name.utf16.count > lengthMax {
            return "Topic name is invalid: the length of '\(name)' is longer than the max allowed length \(lengthMax)"
        }
        guard name.utf8.allSatisfy(isLegal) else {
            return "Topic name is invalid: '\(name)' contains one or more characters other than ASCII alphanumerics, '.', '_' and '-'"
        }
        return nil
    }

    private static func isLegal(_ byte: UInt8) -> Bool {
        switch byte {
        case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"), UInt8(ascii: "0")...UInt8(ascii: "9"): true
        default: byte == UInt8(ascii: ".") || byte == UInt8(ascii: "_") || byte == UInt8(ascii: "-")
        }
    }

    /// Whether metrics could mistake another topic for one of this name.
    package static func mayCollide(_ name: String) -> Bool {
        name.utf8.contains { $0 == UInt8(ascii: ".") || $0 == UInt8(ascii: "_") }
    }

    /// The form under which metrics know a topic; two topics with the same one collide.
    package static func metricName(_ name: String) -> String { String(name.map { $0 == "." ? "_" : $0 }) }
}
