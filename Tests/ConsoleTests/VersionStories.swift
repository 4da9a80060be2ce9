import Grid
import Observatory
import Primitives
import Testing
import Wire

@testable import Console

// A cluster in the midst of an upgrade: brokers 1 and 2 are new, broker 3 is old.
extension Sample {
    static func versions(_ kinds: [(brokers: ClosedRange<Int32>, isNew: Bool)], level: Int16) -> VersionTable {
        func answer(_ isNew: Bool) -> ApiVersionsResponse {
            var answer = ApiVersionsResponse()
            let apis: [(Int16, Int16, Int16)] =
                [(0, 3, isNew ? 13 : 12), (1, 4, isNew ? 18 : 17), (2, 1, 11), (3, 0, 13), (18, 0, 4), (68, 0, 1)]
                + (isNew ? [(92, 0, 0)] : [])
            answer.apiKeys = apis.map {
                var key = ApiVersionsResponse.Key()
                (key.apiKey, key.minVersion, key.maxVersion) = $0
                return key
            }
            let features: [(String, Int16, Int16)] = [
                ("group.version", 0, 1), ("metadata.version", 7, isNew ? 29 : 25), ("transaction.version", 0, 2),
            ] + (isNew ? [("share.version", 0, 1)] : [])
            answer.supportedFeatures = features.map {
                var feature = ApiVersionsResponse.SupportedFeature()
                (feature.name, feature.minVersion, feature.maxVersion) = $0
                return feature
            }
            answer.finalizedFeaturesEpoch = 812
            answer.finalizedFeatures = [("group.version", Int16(1)), ("metadata.version", level)].map {
                var feature = ApiVersionsResponse.FinalizedFeature()
                (feature.name, feature.maxVersionLevel) = $0
                return feature
            }
            return answer
        }
        return VersionTable(kinds.flatMap { kind in kind.brokers.map { (broker: BrokerID($0), answer: answer(kind.isNew)) } })
    }

    /// Each broker serves one version more than the one before.
    static func manyKinds(_ count: Int16) -> VersionTable {
        VersionTable(
            (1...count).map { id in
                var answer = ApiVersionsResponse()
                var key = ApiVersionsResponse.Key()
                (key.apiKey, key.minVersion, key.maxVersion) = (1, 0, id - 1)
                answer.apiKeys = [key]
                return (broker: BrokerID(Int32(id)), answer: answer)
            })
    }

    static func upgrading(level: Int16 = 25) -> ClusterSnapshot {
        var snapshot = busy()
        snapshot.admin.versions = versions([(1...2, true), (3...3, false)], level: level)
        snapshot.admin.versionsSeen = Observation(time: noon)
        return snapshot
    }

    static func upgraded() -> ClusterSnapshot {
        var snapshot = busy()
        snapshot.admin.versions = versions([(1...3, true)], level: 25)
        snapshot.admin.versionsSeen = Observation(time: noon)
        return snapshot
    }
}

/// What the cluster can, and who stands in the way of more.
@Suite struct VersionStories {
    private func driver(_ keys: String = "%", _ snapshot: ClusterSnapshot = Sample.upgrading()) -> Driver {
        Driver(snapshot, width: 120, height: 40).press(keys)
    }

    private func planned(_ driver: Driver) -> PlanAction? {
        for case .plan(_, let action) in driver.takeRequests() { return action }
        return nil
    }

    @Test func anUpgradeUnderWayIsSeenByTheBrokersThatDiffer() {
        let driver = driver().expectPlace(.features).expectRequest(.watch(Interest(.versions)))
        driver.expectRows(["group.version", "metadata.version", "share.version", "transaction.version"])
        driver.expect("BROKERS 1,2").expect("BROKER 3").expect("! 3 cannot 29").expect("! differs").expect("3 not alike")
        driver.expect("off; can be 2").press("!").expectRows(["metadata.version", "share.version"])
        driver.press("tab").expectSelected("0").press("down").expectSelected("1")
    }

    @Test func whenAllAreAlikeThereIsNothingToCompare() {
        driver("%", Sample.upgraded()).expectNot("BROKER").expect("can go to 29").expect("all brokers alike")
            .expect("3 brokers, epoch 812").press("!").expect("Nothing needs attention.")
    }

    @Test func aBrokerThatCannotWhatHoldsIsNamed() {
        driver("%", Sample.upgrading(level: 29)).expect("✗ 3 cannot level 29")
    }

    @Test func aLevelIsRaisedAndLoweredByForm() {
        let driver = driver("%", Sample.upgraded()).press("down e").expect("Level of metadata.version").expect("All brokers can 7-29.")
        driver.press("enter")
        #expect(planned(driver) == .setFeature("metadata.version", level: 29, isDowngrade: false))
        driver.press("esc esc esc e backspace backspace").type("24").press("enter")
        #expect(planned(driver) == .setFeature("metadata.version", level: 24, isDowngrade: true))
        driver.press("esc esc esc e backspace backspace").type("x").press("enter").expect("! Level: a number")
        driver.press("backspace").type("25").press("enter").expect("! metadata.version is at 25.")
        driver.press("esc tab e").expect("Select a feature, in the upper panel.")
    }

    @Test func commandsLeadThere() {
        driver("").send(.command("features share")).expectPlace(.features).expectRows(["share.version"]).expect("</share>")
        let apis = driver("").send(.command("apis fetch")).expectPlace(.features).expectSelected("1")
        #expect(apis.console.view.panel == 1)
        driver("").send(.command("versions")).expectPlace(.features)
        Driver(Sample.upgrading(), width: 120, height: 40, readOnly: true).press("% e").expect("Read-only: set-feature would change")
    }

    /// More kinds of brokers than there is room for in columns are told in words.
    @Test func manyKindsAreToldInWords() {
        let table = Sample.versions((1...8).map { (brokers: Int32($0)...Int32($0), isNew: $0 == 1) }, level: 25)
        #expect(table.kinds == [[1], (2...8).map { BrokerID($0) }])
        var snapshot = Sample.busy()
        snapshot.admin.versions = Sample.manyKinds(8)
        snapshot.admin.versionsSeen = Observation(time: noon)
        driver("%", snapshot).expectNot("BROKER").expect("! 1: 0; 2: 0-1; 3: 0-2; 4: 0-3")
    }

    @Test func beforeTheFirstAnswerAndAfterARefusal() {
        driver("%", Sample.busy()).expect("Reading from localhost:9092")
        var refused = Sample.busy()
        refused.admin.versionsSeen.failed("broker 2: CLUSTER_AUTHORIZATION_FAILED")
        driver("%", refused).expect("Cannot read what the brokers serve.").expect("broker 2: CLUSTER_AUTHORIZATION_FAILED")
    }
}
