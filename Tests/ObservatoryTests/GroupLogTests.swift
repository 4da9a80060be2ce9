import Foundation
import Primitives
import Records
import Testing
import Wire

@testable import Observatory

/// What groups' own log tells: of records made here, and of those that Apache Kafka 4.3.1 wrote (Tests/Fixtures/groups).
@Suite struct GroupLogTests {
    private static let start: Int64 = 1_795_257_000_000

    private static func time(_ seconds: Int64) -> Timestamp { Timestamp(milliseconds: start + seconds * 1000) }

    private static func key(_ group: String) -> Bytes {
        var key = GroupMetadataKey()
        key.group = group
        return key.encodeKey()
    }

    private static func group(_ generation: Int32, _ members: [String], at seconds: Int64? = nil, static name: String? = nil) -> Bytes {
        var value = GroupMetadataValue()
        (value.protocolType, value.generation) = ("consumer", generation)
        if let seconds { value.currentStateTimestamp = start + seconds * 1000 }
        value.members = members.map { id in
            var member = GroupMetadataValue.Member()
            (member.memberID, member.clientID, member.clientHost, member.groupInstanceID) = (id, "c-\(id)", "/10.0.0.1", name)
            return member
        }
        return value.encodeValue(version: 3)
    }

    private static func commit(_ group: String, _ partition: Int32, _ offset: Int64) -> (Bytes, Bytes) {
        var key = OffsetCommitKey()
        (key.group, key.topic, key.partition) = (group, "t", partition)
        var value = OffsetCommitValue()
        value.offset = offset
        return (key.encodeKey(), value.encodeValue(version: 3))
    }

    /// `10 assigned g generation 1, 2 members`, with the beginning of the window behind a tilde where it was concluded.
    private static func lines(_ log: GroupLog) -> [String] {
        log.events.map { event in
            var out = "\((event.time.milliseconds - start) / 1000)"
            if let since = event.inferredSince { out += "~\((since.milliseconds - start) / 1000)" }
            switch event.kind {
            case .rebalance(let told):
                let who = told.clientID.isEmpty ? "" : " \(told.clientID)"
                let why = told.reason == .unknown ? "" : ", \(told.reason.rawValue)"
                return out + " \(told.step.rawValue) \(told.group)\(who) \(told.generation) of \(told.members)\(why)"
            case .groupDeleted(let group): return out + " deleted \(group)"
            case .offsetsReset(let group, let partitions): return out + " reset \(group) \(partitions)"
            default: return out + " ?"
            }
        }
    }

    @Test func theLifeOfAClassicGroup() {
        var log = GroupLog()
        let key = GroupLogTests.key("g")
        log.take(key: key, value: GroupLogTests.group(1, ["a"]), at: GroupLogTests.time(10))
        log.take(key: key, value: GroupLogTests.group(2, ["a", "b"], at: 18), at: GroupLogTests.time(20))
        log.take(key: key, value: GroupLogTests.group(5, ["b"]), at: GroupLogTests.time(60))
        log.take(key: key, value: GroupLogTests.group(6, []), at: GroupLogTests.time(70))
        log.take(key: key, value: nil, at: GroupLogTests.time(80))
        #expect(
            GroupLogTests.lines(log) == [
                "10 assigned g 1 of 1",
                "18~10 started g c-b 1 of 1, new member joined", "18 completed g 2 of 2",
                "20~10 memberJoined g c-b 2 of 2, new member joined", "20 assigned g 2 of 2",
                "60~20 memberLeft g c-a 5 of 1", "60~20 started g c-a 2 of 2, left", "60 assigned g 5 of 1",
                "70~60 memberLeft g c-b 6 of 0", "70 emptied g 6 of 0, left",
                "80 deleted g",
            ])
        #expect(log.records == 5 && log.since == GroupLogTests.time(10))
    }

    /// A static member that comes back under another id is neither a member more nor one less, and in the same generation no rebalance.
    @Test func aStaticMemberComesBack() {
        var log = GroupLog()
        log.take(key: GroupLogTests.key("g"), value: GroupLogTests.group(1, ["a"], static: "one"), at: GroupLogTests.time(1))
        log.take(key: GroupLogTests.key("g"), value: GroupLogTests.group(1, ["b"], static: "one"), at: GroupLogTests.time(9))
        #expect(GroupLogTests.lines(log) == ["1 assigned g 1 of 1", "9~1 memberJoined g c-b 1 of 1, static member replaced"])
    }

    @Test func positionsThatGoBackWhileNobodyReadsWereReset() {
        var log = GroupLog()
        func commit(_ partition: Int32, _ offset: Int64, _ seconds: Int64) {
            let (key, value) = GroupLogTests.commit("g", partition, offset)
            log.take(key: key, value: value, at: GroupLogTests.time(seconds))
        }
        log.take(key: GroupLogTests.key("g"), value: GroupLogTests.group(1, ["a"]), at: GroupLogTests.time(1))
        commit(0, 50, 2)
        // A member's commit that came late.
        commit(0, 49, 3)
        commit(1, 70, 3)
        log.take(key: GroupLogTests.key("g"), value: GroupLogTests.group(2, []), at: GroupLogTests.time(4))
        commit(0, 60, 5)
        commit(0, 0, 6)
        commit(1, 0, 6)
        #expect(GroupLogTests.lines(log).suffix(1) == ["6 reset g 2"])
    }

    /// Whatever the bytes are, nothing traps, and what can be read beside them is.
    @Test func bytesThatAreNoRecords() {
        var log = GroupLog()
        var good = 0
        for length in 0..<40 {
            let bytes = Bytes((0..<length).map { UInt8(truncatingIfNeeded: $0 * 37) })
            log.take(key: bytes, value: bytes, at: GroupLogTests.time(1))
            for kind in UInt8(0)...17 {
                log.take(key: Bytes([0, kind] + bytes.array), value: Bytes([0, 0] + bytes.array), at: GroupLogTests.time(1))
            }
            log.take(key: GroupLogTests.key("g"), value: bytes, at: GroupLogTests.time(1))
            good += 19 + 1
        }
        log.take(key: GroupLogTests.key("ok"), value: GroupLogTests.group(3, ["a"]), at: GroupLogTests.time(7))
        #expect(GroupLogTests.lines(log).contains("7 assigned ok 3 of 1") && log.records == good + 1)
    }

    /// The log of a real Kafka, whose groups were: classic (range, cooperative, static), of KIP-848 and share groups, one of them deleted.
    @Test func whatKafkaWroteIsTold() throws {
        let folder = URL(filePath: #filePath).deletingLastPathComponent().deletingLastPathComponent().appending(path: "Fixtures/groups")
        var log = GroupLog()
        for partition in [6, 14, 15, 19, 24, 30, 34, 37, 42, 43, 45, 46, 49] {
            let bytes = Bytes(Array(try Data(contentsOf: folder.appending(path: "offsets-\(partition).log"))))
            for batch in try BatchWalk.all(in: bytes) where !batch.header.isControl {
                for record in try batch.records(Codecs.uncompressed) {
                    guard let key = record.key else { continue }
                    log.take(key: key, value: record.value, at: record.timestamp)
                }
            }
        }
        func steps(_ group: String) -> [String] {
            log.events.compactMap { event in
                if case .groupDeleted(group) = event.kind { return "deleted" }
                guard case .rebalance(let told) = event.kind, told.group == group else { return nil }
                return "\(told.step.rawValue) \(told.generation) of \(told.members)" + (event.inferredSince == nil ? "" : " ~")
            }
        }
        #expect(
            steps("g-range") == [
                "started 0 of 0 ~", "completed 1 of 2", "memberJoined 1 of 2 ~", "memberJoined 1 of 2 ~", "assigned 1 of 2",
                "memberLeft 2 of 0 ~", "memberLeft 2 of 0 ~", "emptied 2 of 0",
            ])
        #expect(
            steps("g-848") == [
                "memberJoined -1 of 1", "started 2 of 1", "assigned 2 of 1", "completed 2 of 1", "memberJoined 2 of 2", "started 3 of 2",
                "memberLeft 3 of 1", "started 4 of 1", "assigned 4 of 1", "completed 4 of 1", "memberLeft 4 of 0", "emptied 4 of 0",
            ])
        #expect(steps("g-alive").last == "assigned 1 of 1" && steps("g-static").last == "assigned 1 of 1")
        #expect(log.events.map(\.time) == log.events.map(\.time).sorted())
    }
}
