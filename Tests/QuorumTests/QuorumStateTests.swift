import Primitives
import Quorum
import Testing

@Suite struct QuorumStateTests {
    /// What Kafka 4.3.1 wrote after an election of one voter.
    private let recorded = #"{"clusterId":"","leaderId":1,"leaderEpoch":2,"votedId":-1,"appliedOffset":0,"#
        + #""currentVoters":[{"voterId":1}],"data_version":0}"#

    @Test func readsAndWritesKafkasText() throws {
        let state = try #require(QuorumState(text: recorded))
        #expect(state == QuorumState(leaderID: 1, leaderEpoch: 2, votedID: nil, voters: [1]))
        #expect(state.text == recorded)
    }

    @Test func readsTheNewerVersion() throws {
        let text = #"{"leaderId":-1,"leaderEpoch":5,"votedId":3,"votedDirectoryId":"AAAAAAAAAAAAAAAAAAAAAA","data_version":1}"#
        #expect(QuorumState(text: text) == QuorumState(leaderID: nil, leaderEpoch: 5, votedID: 3))
    }

    @Test(arguments: [
        "", "{", "[]", "null", #"{"leaderId":1}"#, #"{"leaderId":1,"leaderEpoch":-1,"votedId":-1,"data_version":0}"#,
        #"{"leaderId":1,"leaderEpoch":99999999999,"votedId":-1,"data_version":0}"#,
        #"{"leaderId":1,"leaderEpoch":1,"votedId":-1,"data_version":2}"#, #"{"leaderId":1,"leaderEpoch":1,"votedId":-1,"data_version":0"#,
        #"{"leaderId":1,"leaderEpoch":1,"votedId":-1,"data_version"#,
    ])
    func refusesWhatIsNotOne(_ text: String) { #expect(QuorumState(text: text) == nil) }

    @Test func leaderChangeHasKafkasBytes() {
        let change = LeaderChange(leader: 1, voters: [1], grantingVoters: [1])
        #expect(LeaderChange.key == Bytes([0, 0, 0, 2]))
        #expect(change.value.array == [0, 0, 0, 0, 0, 1, 2, 0, 0, 0, 1, 0, 2, 0, 0, 0, 1, 0, 0])
    }
}

extension QuorumStateTests {
    /// Every cut and every changed byte of a real file: a state or nil, and never a negative epoch.
    @Test func damagedTextIsNeverATrap() {
        let bytes = Array(QuorumState(leaderID: 1, leaderEpoch: 2, voters: [1, 2]).text.utf8)
        for index in bytes.indices {
            #expect(QuorumState(text: String(decoding: bytes[..<index], as: UTF8.self)) == nil)
            for replacement in Array("{}[]\"-0,9:x\u{0}".utf8) {
                var damaged = bytes
                damaged[index] = replacement
                if let state = QuorumState(text: String(decoding: damaged, as: UTF8.self)) { #expect(state.leaderEpoch >= 0) }
            }
        }
    }
}
