import Primitives
import Testing

@testable import Storage

@Suite struct CheckpointTests {
    /// What is read the short way is read the same way by the letter; what is not, that way alone decides.
    @Test func bothWaysReadTheSame() {
        var generator = PRNG(seed: 21)
        let odd = Array("\n -+0a9\r\u{e9}".utf8)
        var plain = 0
        for _ in 0..<3000 {
            var rows: [(TopicPartition, Offset)] = []
            let topics = ["orders", "a.b_c-7", "x"]
            for _ in 0..<generator.below(12) {
                rows.append((TopicPartition(generator.pick(topics), Int32(generator.below(300))), Offset(Int64(generator.below(1 << 40)))))
            }
            let text = Checkpoint.text(rows)
            #expect(Checkpoint.plainOffsets(text)?.elementsEqual(rows) { ($0.partition, $0.offset) == $1 } == true)
            var bytes = Array(text.utf8)
            for _ in 0..<generator.below(3) {
                let place = generator.below(bytes.count)
                if generator.oneIn(2) { bytes[place] = generator.pick(odd) } else { bytes.insert(generator.pick(odd), at: place) }
            }
            let damaged = String(decoding: bytes, as: UTF8.self)
            guard let short = Checkpoint.plainOffsets(damaged) else { continue }
            plain += 1
            let exact = Checkpoint.anyOffsets(damaged)
            #expect(exact?.elementsEqual(short) { ($0.partition, $0.offset) == ($1.partition, $1.offset) } == true, "\(damaged)")
        }
        #expect(plain > 500)
    }

    @Test func otherHandsAreReadToo() {
        let offsets = Checkpoint.offsets("0\n1\norders +3 -1")
        #expect(offsets?.count == 1 && offsets?[0].partition == TopicPartition("orders", 3) && offsets?[0].offset == Offset(-1))
        for bad in ["", "0\n", "1\n0\n", "0\n2\na 0 1\n", "0\n1\na 0\n", "0\n1\na 0 1 \n", "0\n1\na -1 1\n"] {
            #expect(Checkpoint.offsets(bad) == nil, "\(bad)")
        }
    }
}
