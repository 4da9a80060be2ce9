import Primitives

/// The text files that hold one number per line's subject: a version, a count, and a line for each.
///
/// ```
/// 0
/// 2
/// orders 0 17
/// orders 1 4
/// ```
package enum Checkpoint {
    /// An offset per partition: recovery points, high watermarks, log starts.
    package static func offsets(_ text: String) -> [(partition: TopicPartition, offset: Offset)]? {
        plainOffsets(text) ?? anyOffsets(text)
    }

    /// Line for line as this program writes them, which is how a hundred thousand of them come at a start: without a string for each word.
    /// Nil for anything else, good or bad.
    static func plainOffsets(_ text: String) -> [(partition: TopicPartition, offset: Offset)]? {
        var text = text
        return text.withUTF8 { bytes in
            var at = 0
            /// The digits up to `end`, which is passed.
            func number(_ end: UInt8) -> Int64? {
                let start = at
                var value: Int64 = 0
                while at < bytes.count, bytes[at] != end {
                    guard at - start < 18, 0x30...0x39 ~= bytes[at] else { return nil }
                    value = value * 10 + Int64(bytes[at] - 0x30)
                    at += 1
                }
                guard at > start, at < bytes.count else { return nil }
                at += 1
                return value
            }
            let newline = UInt8(ascii: "\n"), space = UInt8(ascii: " ")
            guard bytes.count >= 2, bytes[0] == UInt8(ascii: "0"), bytes[1] == newline else { return nil }
            at = 2
            guard let count = number(newline), count <= bytes.count else { return nil }
            var out: [(partition: TopicPartition, offset: Offset)] = []
            out.reserveCapacity(Int(count))
            var (name, topic) = (0..<0, "")
            for _ in 0..<count {
                let start = at
                while at < bytes.count, 0x21..<0x7f ~= bytes[at] { at += 1 }
                guard at < bytes.count, bytes[at] == space else { return nil }
                // The partitions of a topic follow each other and share its name.
                let word = start..<at
                if !bytes[word].elementsEqual(bytes[name]) { topic = String(decoding: bytes[word], as: UTF8.self) }
                name = word
                at += 1
                guard let index = number(space).flatMap({ Int32(exactly: $0) }), let offset = number(newline) else { return nil }
                out.append((TopicPartition(topic, index), Offset(offset)))
            }
            return at == bytes.count ? out : nil
        }
    }

    static func anyOffsets(_ text: String) -> [(partition: TopicPartition, offset: Offset)]? {
        guard let lines = body(text) else { return nil }
        var out: [(partition: TopicPartition, offset: Offset)] = []
        out.reserveCapacity(lines.count)
        var topic = ""
        for line in lines {
            let words = line.split(separator: " ", omittingEmptySubsequences: false)
            guard words.count == 3, let index = Int32(words[1]), let offset = Int64(words[2]), index >= 0 else { return nil }
            // The partitions of a topic follow each other and share its name.
            if words[0] != topic { topic = String(words[0]) }
            out.append((TopicPartition(topic, index), Offset(offset)))
        }
        return out
    }

    package static func text(_ offsets: [(TopicPartition, Offset)]) -> String {
        text(lines: offsets.map { "\($0.0.topic) \($0.0.partition) \($0.1)" })
    }

    /// Leader epochs with their start offsets, ascending.
    package static func leaderEpochs(_ text: String) -> [(epoch: LeaderEpoch, startOffset: Offset)]? {
        guard let lines = body(text) else { return nil }
        var out: [(epoch: LeaderEpoch, startOffset: Offset)] = []
        for line in lines {
            let words = line.split(separator: " ", omittingEmptySubsequences: false)
            guard words.count == 2, let epoch = Int32(words[0]), let offset = Int64(words[1]) else { return nil }
            out.append((LeaderEpoch(epoch), Offset(offset)))
        }
        return out
    }

    package static func text(_ epochs: [(epoch: LeaderEpoch, startOffset: Offset)]) -> String {
        text(lines: epochs.map { "\($0.epoch) \($0.startOffset)" })
    }

    /// The lines behind version and count; nil where those two do not fit.
    private static func body(_ text: String) -> [Substring]? {
        var lines = text.split(separator: "\n", omittingEmptySubsequences: false)
        if lines.last == "" { lines.removeLast() }
        guard lines.count >= 2, lines[0] == "0", let count = Int(lines[1]), count == lines.count - 2 else { return nil }
        return Array(lines.dropFirst(2))
    }

    private static func text(lines: [String]) -> String {
        var out = "0\n\(lines.count)\n"
        for line in lines { out += line + "\n" }
        return out
    }
}
