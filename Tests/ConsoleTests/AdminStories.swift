import Grid
import Observatory
import Primitives
import Testing

@testable import Console

/// Transactions, access rules, quotas and users, as somebody comes to them.
@Suite struct AdminStories {
    private func driver(_ keys: String = "", readOnly: Bool = false) -> Driver {
        Driver(Sample.administered(), width: 120, height: 40, readOnly: readOnly).press(keys)
    }

    private func planned(_ driver: Driver) -> PlanAction? {
        for case .plan(_, let action) in driver.takeRequests() { return action }
        return nil
    }

    // MARK: Transactions

    @Test func theOldestTransactionIsAtTheTop() {
        let driver = driver("ctrl-t").expectRequest(.watch(Interest(.transactions)))
        driver.expectRows(["billing-transfer-2", "billing-transfer-1", "nightly-import", "web-checkout"])
        driver.expect("! PrepareCommit").expect("~ Ongoing").expect("1m35s")
        driver.press("!").expectRows(["billing-transfer-2"])
    }

    @Test func aTransactionTellsItsPartitionsAndWhatReadersWaitFor() {
        let driver = driver("ctrl-t down enter").expectPlace(.transaction("billing-transfer-1"))
        driver.expectRequest(.watch(Interest(.transaction("billing-transfer-1"))))
        driver.expectRows(["__consumer_offsets-7", "orders-0", "orders-1", "orders-2"].sorted()).expect("80")
        driver.press("ctrl-d")
        #expect(planned(driver) == .fenceProducer(transactionalID: "billing-transfer-1"))
        driver.press("esc esc esc").expectPlace(.transactions)
    }

    @Test func whatHangsIsFoundAndEndedByAMarker() {
        let driver = driver("ctrl-t H").expectPlace(.hanging).expectRequest(.watch(Interest(.hanging)))
        driver.expect("✗ hanging").expect("? looking").expectSelected("clicks-2 3977 9800000").press("ctrl-d")
        #expect(planned(driver) == .abortTransaction(TransactionToAbort(TopicPartition("clicks", 2), .startOffset(9_800_000))))
    }

    @Test func whatIsUnderWayIsEndedByItsCoordinator() {
        let driver = driver("ctrl-t H G").expectSelected("orders-1 4001 1205584").press("ctrl-d")
        #expect(planned(driver) == .fenceProducer(transactionalID: "billing-transfer-1"))
        driver.press("esc enter").expectPlace(.transaction("billing-transfer-1"))
    }

    @Test func placesAreReachedByCommand() {
        let driver = driver()
        driver.send(.command("tx billing")).expectPlace(.transactions).expect("</billing>").expectRows([
            "billing-transfer-2", "billing-transfer-1",
        ])
        driver.send(.command("transaction web-checkout")).expect("Nothing is under way: Empty.")
        driver.send(.command("transaction gone")).expect("Transactional id gone does not exist (any more).")
        driver.send(.command("hanging")).expectPlace(.hanging)
        driver.send(.command("acl alice")).expectPlace(.access).expect("</alice>")
        driver.send(.command("quotas")).expectPlace(.quotas).send(.command("users")).expectPlace(.users)
    }

    // MARK: Access rules

    @Test func rulesAreFilteredAndRemovedTogether() {
        let driver = driver("A").expectRequest(.watch(Interest(.access)))
        driver.expect("✗ deny").press("/").type("alice").press("enter")
        driver.press("space space ctrl-d")
        let rules = Sample.administered().admin.access.prefix(2)
        #expect(planned(driver) == .removeAccess(Array(rules)))
    }

    @Test func aRuleIsMadeByForm() {
        let driver = driver("A n").expect("New access rule")
        for _ in 0..<40 { driver.press("backspace") }
        driver.type("User:carol").press("tab right tab tab right tab backspace").type("pay-").press("tab right tab enter")
        // The rule that was selected is about describing, and so is one like it.
        let rule = Sample.rule("User:carol", "group", "pay-", "describe", isPrefixed: true, isDenied: true)
        #expect(planned(driver) == .addAccess([rule]))
        driver.press("esc esc")
        driver.press("n tab tab left tab right tab tab tab enter").expect("! Of a group there is: ")
    }

    @Test func whatARuleLacksIsSaidInTheForm() {
        let driver = Driver(Sample.busy(), width: 120, height: 40).press("A n tab tab tab tab tab tab enter")
        driver.expect("! Principal: TYPE:NAME")
        driver.press("up up up up up up").type("carol").press("tab tab tab tab tab tab enter").expect("! Name: of the topic")
        driver.press("up up").type("t").press("tab tab enter")
        #expect(planned(driver) == .addAccess([Sample.rule("User:carol", "topic", "t", "read")]))
    }

    // MARK: Quotas and users

    @Test func aQuotaIsChangedWhereItDiffers() {
        let driver = driver("Q /").type("alice").press("enter enter").expect("Quotas of user alice")
        for _ in 0..<12 { driver.press("backspace") }
        driver.type("10M").press("tab")
        for _ in 0..<12 { driver.press("backspace") }
        driver.press("tab tab tab enter")
        let subject = QuotaSubject([("user", .named("alice"))])
        #expect(
            planned(driver)
                == .alterQuota(subject, set: [ConfigValue("producer_byte_rate", "10485760.0")], delete: ["consumer_byte_rate"]))
    }

    @Test func aNewQuotaSaysWhose() {
        let driver = driver("Q n tab tab tab tab tab tab tab enter").expect("! Whose?")
        driver.press("up up up up up up up").type("<default>").press("tab").type("app").press("tab tab").type("800K")
        driver.press("tab tab tab tab enter")
        let subject = QuotaSubject([("user", .byDefault), ("client-id", .named("app"))])
        #expect(planned(driver) == .alterQuota(subject, set: [ConfigValue("producer_byte_rate", "819200.0")], delete: []))
    }

    @Test func aQuotaIsRemovedWhole() {
        let driver = driver("Q /").type("bob").press("enter ctrl-d")
        let subject = QuotaSubject([("user", .named("bob")), ("client-id", .named("app"))])
        #expect(planned(driver) == .alterQuota(subject, set: [], delete: ["controller_mutation_rate"]))
    }

    @Test func aLoginIsTakenAway() {
        let driver = driver("U").expect("SCRAM-SHA-512").press("down ctrl-d")
        #expect(planned(driver) == .removeCredentials(user: "alice", mechanisms: ["SCRAM-SHA-512"]))
    }

    @Test func readOnlyChangesNothing() {
        for keys in ["ctrl-t ctrl-d", "ctrl-t H ctrl-d", "A n", "A ctrl-d", "Q n", "Q e", "Q ctrl-d", "U ctrl-d"] {
            let driver = driver(keys, readOnly: true).expect("Read-only")
            #expect(planned(driver) == nil && driver.console.overlay == nil, "\(keys)")
        }
    }

    // MARK: Refusals

    @Test func aRefusalIsOneLineSaidOnce() {
        let driver = Driver(Sample.refused(), width: 120, height: 40).press("A")
        driver.send(.snapshot(Sample.refused())).expect("acls: CLUSTER_AUTHORIZATION_FAILED").expect("Cannot read the access rules.")
        _ = driver.wait(7000).expectNot("acls: CLUSTER_AUTHORIZATION_FAILED")
        driver.send(.snapshot(Sample.refused())).expectNot("acls: CLUSTER_AUTHORIZATION_FAILED")
        driver.press("Q").send(.snapshot(Sample.refused())).expect("quotas: CLUSTER_AUTHORIZATION_FAILED")
        // What was read before stays.
        var seen = Sample.administered()
        seen.admin.accessSeen.error = "CLUSTER_AUTHORIZATION_FAILED"
        driver.press("A").send(.snapshot(seen)).expect("User:bob").expect("acls: CLUSTER_AUTHORIZATION_FAILED")
    }
}
