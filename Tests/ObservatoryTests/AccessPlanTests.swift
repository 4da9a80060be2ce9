import Primitives
import Testing
import Wire

@testable import Observatory

/// Plans about access rules, quotas and feature levels.
@Suite struct AccessPlanTests {
    private let read = AccessRule(.topic, "orders", principal: "User:alice", .read)
    private let deny = AccessRule(.topic, "logs-", isPrefixed: true, principal: "User:bob", host: "10.0.0.1", .write, isDenied: true)

    @Test func rulesAreCreatedOnce() {
        var facts = PlanFacts()
        facts.access = [read]
        let plan = PlanTables.addAccess([read, deny], facts)
        #expect(plan.title == "Create 2 access rules")
        #expect(plan.rows.map(\.cells) == [
            ["TOPIC", "orders", "LITERAL", "User:alice", "*", "READ", "ALLOW", "exists already"],
            ["TOPIC", "logs-", "PREFIXED", "User:bob", "10.0.0.1", "WRITE", "DENY", "create"],
        ])
        #expect(plan.steps == [.addAccess([deny])])
        #expect(plan.inverse == .action(.removeAccess([deny])))
        #expect(PlanTables.addAccess([read], facts).obstacles == ["Nothing would change."])
        #expect(PlanStep.addAccess([deny]).accessDifferences(facts) == ["User:bob on logs-: the rule is not there."])
    }

    @Test func rulesAreRemovedAndCanComeBack() {
        var facts = PlanFacts()
        facts.access = [read, deny]
        let plan = PlanTables.removeAccess([deny], facts)
        #expect(plan.inverse == .action(.addAccess([deny])))
        #expect(plan.warnings == ["A denial goes: what it held back may be allowed by another rule."])
        #expect(PlanStep.removeAccess([deny]).accessDifferences(facts).count == 1)
        facts.access = [read]
        #expect(PlanStep.removeAccess([deny]).accessDifferences(facts) == [])
    }

    @Test func kafkasOwnCommands() {
        #expect(
            KafkaCommand.text(for: .addAccess([read, deny]), bootstrap: "h:1") == """
                kafka-acls.sh --bootstrap-server h:1 --add --allow-principal User:alice --operation Read --topic orders
                kafka-acls.sh --bootstrap-server h:1 --add --deny-principal User:bob --deny-host 10.0.0.1 --operation Write --topic logs- \
                --resource-pattern-type prefixed
                """)
        let subject = QuotaSubject([("user", .named("alice")), ("client-id", .byDefault)])
        #expect(
            KafkaCommand.text(
                for: .alterQuota(subject, set: [ConfigValue("producer_byte_rate", "1000")], delete: ["request_percentage"]),
                bootstrap: "h:1")
                == "kafka-configs.sh --bootstrap-server h:1 --alter --entity-type users --entity-name alice --entity-type clients "
                + "--entity-default --add-config producer_byte_rate=1000 --delete-config request_percentage")
        #expect(
            KafkaCommand.text(for: .setFeature("group.version", level: 1, isDowngrade: false), bootstrap: "h:1")
                == "kafka-features.sh --bootstrap-server h:1 upgrade --feature group.version=1")
    }

    @Test func quotasShowBeforeAndAfter() {
        var facts = PlanFacts()
        facts.quotas["producer_byte_rate"] = 500
        let subject = QuotaSubject([("user", .named("alice")), ("client-id", .named("app"))])
        #expect(subject.text == "user-principal 'alice', client-id 'app'")
        let plan = PlanTables.alterQuota(
            subject, [ConfigValue("producer_byte_rate", "1000"), ConfigValue("request_percentage", "50")], [], facts)
        #expect(plan.rows.map(\.cells) == [["producer_byte_rate", "500.0", "1000.0"], ["request_percentage", "-", "50.0"]])
        #expect(
            plan.inverse
                == .action(.alterQuota(subject, set: [ConfigValue("producer_byte_rate", "500.0")], delete: ["request_percentage"])))
        let same = PlanTables.alterQuota(subject, [ConfigValue("producer_byte_rate", "500")], [], facts)
        #expect(same.obstacles == ["Nothing would change."])
    }

    @Test func featuresGoUpAndDown() {
        var facts = PlanFacts()
        facts.features["transaction.version"] = 2
        let plan = PlanTables.setFeature("transaction.version", 1, isDowngrade: true, facts)
        #expect(plan.rows.map(\.cells) == [["transaction.version", "2", "1"]])
        #expect(plan.inverse == .action(.setFeature("transaction.version", level: 2, isDowngrade: false)))
        #expect(PlanTables.setFeature("transaction.version", 2, isDowngrade: false, facts).obstacles == ["Nothing would change."])
    }
}
