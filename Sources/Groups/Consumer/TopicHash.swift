import Primitives

/// One number for a group's topics: ids, counts of partitions, racks. It is only compared with itself; 0 is "no topics". Kafka mixes the
/// same with another function, so that a group which changes over from one to the other is assigned once anew.
enum TopicHash {
    /// `topics` in order of their names.
    static func of(_ topics: [GroupTopic], racks: (String, Int32) -> [String]) -> Int64 {
        guard !topics.isEmpty else { return 0 }
        var mixer = Mixer()
        for topic in topics {
            mixer.add(topic.name)
            mixer.add(topic.id.high)
            mixer.add(topic.id.low)
            mixer.add(UInt64(UInt32(bitPattern: topic.partitionCount)))
            for partition in 0..<topic.partitionCount {
                for rack in racks(topic.name, partition).sorted() { mixer.add(rack) }
            }
        }
        return mixer.value == 0 ? 1 : Int64(bitPattern: mixer.value)
    }

    /// FNV-1a, with words for bytes and a last mix of their bits.
    private struct Mixer {
        private var state: UInt64 = 0xcbf2_9ce4_8422_2325

        mutating func add(_ word: UInt64) {
            state = (state ^ word) &* 0x0000_0100_0000_01b3
            state ^= state >> 29
        }

        mutating func add(_ text: String) {
            for byte in text.utf8 { add(UInt64(byte)) }
            add(0xff)
        }

        var value: UInt64 {
            var mixed = state
            mixed = (mixed ^ (mixed >> 33)) &* 0xff51_afd7_ed55_8ccd
            return mixed ^ (mixed >> 33)
        }
    }
}
