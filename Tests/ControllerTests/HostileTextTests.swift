import Controller
import Primitives
import Testing

/// Text from outside at random: whatever it is, the answer is a value or an error.
@Suite struct HostileTextTests {
    private let pieces = [
        "a", "=", ":", " ", "\\", "\\u", "\\u00", "\\u0041", "\n", "\r\n", "#", "!", "é", "😀", "\u{0}", "node.id", "=1", "listeners",
        "PLAINTEXT", "://", "[", "]", "9092", "99999999999", "-1", ",", "@", "controller.quorum.voters=1@h:1",
        "log.dirs=/x", "\t", "\u{0c}",
    ]

    private func text(_ random: inout PRNG) -> String { (0..<random.below(14)).map { _ in random.pick(pieces) }.joined() }

    @Test func neverATrap() {
        var random = PRNG(seed: 42)
        var parsed = 0
        for _ in 0..<3000 {
            let one = text(&random)
            if (try? JavaProperties.parse(one)) != nil { parsed += 1 }
            if random.oneIn(20) { _ = try? BrokerConfig(text: "node.id=1\n" + one) }
            _ = Listener(one)
            _ = QuorumVoter(one)
            _ = TopicNames.problem(one)
            for definition in TopicConfigDefinitions.all { _ = try? definition.parse(one) }
        }
        #expect(parsed > 1000)
    }
}
