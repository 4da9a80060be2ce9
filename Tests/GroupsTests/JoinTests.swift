import Groups
import Primitives
import Testing
import Wire

@Suite struct JoinTests {
    @Test func aNewcomerGetsAnIdFirstAndLeadsWhenAlone() {
        var story = Story()
        let first = story.join(client: "orders")
        #expect(story.joined(first)?.errorCode == .memberIDRequired)
        let id = story.joined(first)?.memberID ?? ""
        #expect(id.hasPrefix("orders-") && id.count == "orders-".count + 36)
        #expect(story.state() == .empty)
        #expect(story.coordinator.describe("g")?.protocolType == "")

        let second = story.join("g", id)
        let response = story.joined(second)
        #expect(response?.errorCode == ErrorCode.none)
        #expect(response?.generationID == 1)
        #expect(response?.leader == id)
        #expect(response?.protocolName == "range")
        #expect(response?.protocolType == "consumer")
        #expect(response?.members.map(\.memberID) == [id])
        #expect(story.state() == .completingRebalance)
        #expect(story.events.map(\.step) == [.memberJoined, .started, .completed])
        #expect(story.events.map(\.reason) == [.memberJoined, .memberJoined, .memberJoined])
        #expect(story.events[0].memberID == id && story.events[0].clientHost == "/127.0.0.1")
    }

    @Test func beforeVersionFourOneJoins() {
        var story = Story()
        let token = story.join(version: 3)
        #expect(story.joined(token)?.errorCode == ErrorCode.none)
        #expect(story.joined(token)?.generationID == 1)
    }

    @Test func theSecondMemberWaitsUntilTheFirstRejoins() {
        var story = Story()
        let (first, generation) = story.stableGroup()
        let (second, token) = story.enter(client: "second")
        #expect(story.joined(token) == nil)
        #expect(story.state() == .preparingRebalance)
        #expect(story.heartbeat("g", first, generation: generation) == .rebalanceInProgress)

        let again = story.join("g", first)
        #expect(story.joined(again)?.generationID == 2)
        #expect(story.joined(again)?.members.map(\.memberID).sorted() == [first, second].sorted())
        #expect(story.joined(token)?.generationID == 2)
        #expect(story.joined(token)?.leader == first)
        #expect(story.joined(token)?.members == [])
    }

    @Test func anEmptyGroupWaitsForMoreMembersUpToTheRebalanceTimeout() {
        var config = GroupConfig()
        config.initialRebalanceDelayMs = 3000
        var story = Story(config)
        let one = story.join(rebalance: 10_000, version: 3)
        story.pass(milliseconds: 2999)
        #expect(story.joined(one) == nil)
        let two = story.join(rebalance: 10_000, version: 3)
        story.pass(milliseconds: 1)
        #expect(story.joined(one) == nil, "a newcomer extends the delay")
        // 3 s and 3 s have passed; 7 s remained after the first, 4 s after the second extension.
        story.pass(milliseconds: 3000)
        #expect(story.joined(one)?.generationID == 1)
        #expect(story.joined(two)?.generationID == 1)
    }

    @Test func newcomersCannotExtendTheDelayForEver() {
        var config = GroupConfig()
        config.initialRebalanceDelayMs = 3000
        var story = Story(config)
        let one = story.join(rebalance: 10_000, version: 3)
        var waited: Int64 = 0
        while story.joined(one) == nil && waited < 60_000 {
            story.pass(milliseconds: 1000)
            waited += 1000
            _ = story.join(rebalance: 10_000, version: 3)
        }
        #expect(waited == 10_000)
    }

    @Test func aSecondMemberLeavingTheDelayDoesNotEndItEarly() {
        var config = GroupConfig()
        config.initialRebalanceDelayMs = 3000
        var story = Story(config)
        let one = story.join(version: 3)
        let two = story.join(version: 3)
        story.pass(milliseconds: 1000)
        #expect(story.joined(one) == nil && story.joined(two) == nil)
        let members = story.members()
        #expect(story.leave([(members[0], nil)]) == [.none])
        #expect(story.state() == .preparingRebalance)
    }

    @Test func theProtocolIsTheOneMostMembersPreferAmongThoseAllSupport() {
        var story = Story()
        let a = story.join(protocols: ["sticky", "range", "old"], version: 3)
        let (_, b) = story.enter(protocols: ["range", "sticky"])
        #expect(story.joined(a)?.protocolName == "sticky")
        let leader = story.joined(a)?.memberID ?? ""
        let again = story.join("g", leader, protocols: ["range", "old"])
        #expect(story.joined(again)?.protocolName == "range")
        #expect(story.joined(b)?.protocolName == "range")
    }

    @Test func theVoteCountsEachMembersFirstCommonChoice() {
        var story = Story()
        var config = Story.config
        config.initialRebalanceDelayMs = 100
        story = Story(config)
        let tokens = [
            story.join(protocols: ["a", "b"], version: 3), story.join(protocols: ["b", "a"], version: 3),
            story.join(protocols: ["b", "a"], version: 3),
        ]
        story.pass(milliseconds: 1000)
        #expect(tokens.map { story.joined($0)?.protocolName } == ["b", "b", "b"])
    }

    @Test func withoutACommonProtocolOrTypeOneIsRefused() {
        var story = Story()
        _ = story.stableGroup()
        #expect(story.joined(story.join(protocols: ["sticky"]))?.errorCode == .inconsistentGroupProtocol)
        #expect(story.joined(story.join(type: "connect"))?.errorCode == .inconsistentGroupProtocol)
        #expect(story.joined(story.join("new", protocols: []))?.errorCode == .inconsistentGroupProtocol)
        #expect(story.joined(story.join("new", type: ""))?.errorCode == .inconsistentGroupProtocol)
        #expect(story.coordinator.describe("new") == nil, "a refused newcomer leaves no group behind")
    }

    @Test func requestsThatCannotBeAreRefused() {
        var story = Story()
        #expect(story.joined(story.join(""))?.errorCode == .invalidGroupID)
        #expect(story.joined(story.join(session: 5_999))?.errorCode == .invalidSessionTimeout)
        #expect(story.joined(story.join(session: 1_800_001))?.errorCode == .invalidSessionTimeout)
        #expect(story.joined(story.join(session: 6_000))?.errorCode == .memberIDRequired)
        #expect(story.joined(story.join(session: 1_800_000))?.errorCode == .memberIDRequired)
        #expect(story.joined(story.join("nobody", "nope"))?.errorCode == .unknownMemberID)
        #expect(story.joined(story.join("g", "nope"))?.errorCode == .unknownMemberID)
    }

    @Test func aFailureNamesNoProtocolInTheWayOfItsVersion() {
        var story = Story()
        #expect(story.joined(story.join("", version: 6))?.protocolName == "")
        #expect(story.joined(story.join("", version: 7))?.protocolName == nil)
        #expect(story.joined(story.join("", version: 7))?.generationID == -1)
    }

    @Test func aLeaderThatRejoinsWhenStableCausesARebalance() {
        var story = Story()
        let (ids, _) = story.stableGroup(of: ["a", "b"])
        story.events = []
        let leader = story.join("g", ids[0], reason: "new partitions")
        #expect(story.joined(leader) == nil)
        #expect(story.state() == .preparingRebalance)
        #expect(story.events.first?.reason == .leaderRejoined)
        #expect(story.events.first?.clientReason == "new partitions")
    }

    @Test func aFollowerThatRejoinsUnchangedIsToldTheGeneration() {
        var story = Story()
        let (ids, generation) = story.stableGroup(of: ["a", "b"])
        let follower = story.join("g", ids[1])
        #expect(story.joined(follower)?.generationID == generation)
        #expect(story.joined(follower)?.members == [])
        #expect(story.state() == .stable)
    }

    @Test func aChangedSubscriptionCausesARebalance() {
        var story = Story()
        let (ids, _) = story.stableGroup(of: ["a", "b"])
        story.events = []
        _ = story.join("g", ids[1], topics: ["t", "u"])
        #expect(story.state() == .preparingRebalance)
        #expect(story.events.first?.reason == .subscriptionChanged)
    }

    @Test func whoMissedTheAnswerIsToldAgainWhileTheGroupSyncs() {
        var story = Story()
        let (id, token) = story.enter()
        let again = story.join("g", id)
        #expect(story.joined(again) == story.joined(token))
        #expect(story.state() == .completingRebalance)
    }

    @Test func aJoinOfTheSameMemberTakesThePlaceOfItsParkedOne() {
        var story = Story()
        _ = story.stableGroup()
        let (id, first) = story.enter(client: "second")
        let second = story.join("g", id)
        #expect(story.joined(first)?.errorCode == .rebalanceInProgress)
        #expect(story.joined(second) == nil)
    }

    @Test func aFullGroupTakesNobodyMore() {
        var config = Story.config
        config.groupSizeMax = 2
        var story = Story(config)
        let (ids, generation) = story.stableGroup(of: ["a", "b"])
        let third = story.join(client: "c")
        #expect(story.joined(third)?.errorCode == .groupMaxSizeReached)
        #expect(story.joined(third)?.memberID == "")
        #expect(story.heartbeat("g", ids[0], generation: generation) == .none)
    }

    @Test func theIdsHandedOutAreBounded() {
        var config = Story.config
        config.pendingMembersMax = 2
        var story = Story(config)
        #expect(story.joined(story.join())?.errorCode == .memberIDRequired)
        #expect(story.joined(story.join())?.errorCode == .memberIDRequired)
        #expect(story.joined(story.join())?.errorCode == .groupMaxSizeReached)
    }

    @Test func theGroupsOfAPartitionAreBounded() {
        var config = Story.config
        config.groupsPerPartitionMax = 1
        var story = Story(config, partitionCount: 1)
        _ = story.stableGroup("one")
        #expect(story.joined(story.join("two"))?.errorCode == .groupMaxSizeReached)
        #expect(story.commit("two", offset: 1) == .invalidCommitOffsetSize)
        #expect(story.joined(story.join("one"))?.errorCode == .memberIDRequired)
    }

    @Test func aMemberNamesABoundedNumberOfProtocols() {
        var config = Story.config
        config.protocolsPerMemberMax = 2
        var story = Story(config)
        #expect(story.joined(story.join(protocols: ["a", "b", "c"]))?.errorCode == .inconsistentGroupProtocol)
    }
}
