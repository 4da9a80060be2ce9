import Grid
import Observatory
import Primitives
import Testing

@testable import Console

/// What changes the cluster: how it is asked for, what is refused, and by whom.
@Suite struct ChangeChecks {
    @Test(arguments: Check.lines(
        """
        3 n | form New topic; noplan
        3 ctrl-n | form New topic
        1 n | form New topic
        3 p | form Produce to audit-log; noplan
        3 B | form Write load to audit-log; noplan
        3 a | form Add partitions to audit-log
        3 P | form Delete records of audit-log
        3 m | form Reassign audit-log
        3 R | form Replication factor of audit-log
        3 L | form Elect leaders of audit-log
        3 space down space m | form Reassign 2 topics
        3 down enter M | form Move the leader of clicks-0
        3 down enter m | form Reassign clicks-0
        3 down enter p | form Produce to clicks
        2 D | form Drain broker 1
        2 down D | form Drain broker 2
        7 T | form Throttle
        4 s | form Reset offsets of billing
        4 enter s | form Reset offsets of billing
        4 w s | form Reset offsets of billing
        3 down down down e down down down enter | form retention.ms
        3 n esc | closed
        3 n tab tab tab tab tab tab tab enter | closed; noplan
        4 s esc | closed
        A n | form New access rule
        Q n | form New quota
        Q e | form Quotas of
        Q enter | form Quotas of
        """)) func forms(check: Check) { check.run(Sample.administered()) }

    @Test(arguments: Check.lines(
        """
        3 n 'new' tab tab tab tab tab tab enter | plan createTopic; plan new; see Working out the plan
        3 n 'new' enter '4' enter '2' tab tab tab tab enter | plan partitions: Optional(4); plan replicationFactor: Optional(2)
        3 down Y 'c' tab tab tab tab enter | plan createTopic; plan name: "c"; plan like: Optional("clicks")
        3 down E | plan recreateTopic("clicks")
        3 p tab 'hello' tab tab tab tab tab enter | plan produce; plan audit-log
        3 a tab enter | plan addPartitions; plan total: 2
        3 B tab tab tab tab tab enter | plan load; plan records: 100000; plan size: 100; plan rate: nil
        3 down enter B tab tab '500' tab right tab right enter | plan rate: Optional(500); plan Acks.one; plan gzip
        3 B ctrl-u '0' enter enter enter enter enter | bad Records: a number from 1
        3 B tab ctrl-u '104857601' enter enter enter enter | bad Bytes of each: a number from 0 to 104857600
        3 P tab tab enter | plan deleteRecords
        3 m '1,2' tab tab tab enter | plan reassign; plan brokers
        3 m tab tab '50M' tab enter | plan 52428800
        3 R tab tab enter | plan factor
        3 L enter | plan electLeaders; plan unclean: false
        3 L right enter | plan unclean: true
        3 ctrl-d | plan deleteTopic("audit-log")
        3 f9 | plan deleteTopic("audit-log")
        3 down ctrl-d | plan deleteTopic("clicks")
        3 x ctrl-d | plan deleteTopic("audit-log")
        3 down enter M enter | plan leader
        2 D enter enter enter | plan leadersAway
        2 D right tab tab enter | plan without
        4 ctrl-d | plan deleteGroup("billing")
        4 enter ctrl-d | plan deleteGroupOffsets; plan orders
        4 s enter enter enter | plan earliest
        4 s tab right tab enter | plan latest
        4 s tab right right tab enter | plan current
        4 s tab right right right tab '1234' enter | plan offset(1234)
        4 s tab right right right right tab '-100' enter | plan shiftBy(-100)
        4 s tab left left left tab '2h' enter | plan byDuration(milliseconds: 7200000)
        4 s right tab tab enter | plan topics(["orders"])
        7 T '10M' enter | plan throttle(Optional(10485760))
        7 T 'none' enter | plan throttle(nil)
        3 down down down e down down down ctrl-d | plan delete: ["retention.ms"]
        A ctrl-d | plan removeAccess
        A space down space ctrl-d | plan removeAccess
        Q ctrl-d | plan alterQuota
        U ctrl-d | plan removeCredentials
        U n | form New user; see not shown
        U n 'bob' tab tab tab 'sesame' tab 'sesame' enter | plan setCredential; plan user: "bob"; plan (hidden); not sesame
        U n 'bob' tab tab tab 'sesame' tab 'sesame' | see ******; not sesame
        U n 'bob' tab tab tab 'sesame' tab 'other' enter | bad The passwords differ; noplan
        U n 'bob' tab tab tab tab enter | bad Password: it is empty
        U n tab tab tab 'x' tab 'x' enter | bad User: a name
        U n 'bob' tab tab ctrl-u '100' tab 'x' tab 'x' enter | bad Iterations: a number from 4096 to 16384
        U e | form Login of alice
        U enter tab tab 'y' tab 'y' enter | plan setCredential; plan user: "alice"
        ctrl-t ctrl-d | plan fenceProducer
        ctrl-t enter ctrl-d | plan fenceProducer
        ctrl-t H ctrl-d | plan abortTransaction
        A n ctrl-u 'User:carol' tab tab tab tab 'pay' tab tab tab enter | plan addAccess; plan carol
        Q n 'carol' tab tab tab '10M' tab tab tab tab tab enter | plan alterQuota; plan producer_byte_rate
        """)) func plans(check: Check) { check.run(Sample.administered()) }

    @Test(arguments: Check.lines(
        """
        3 n tab tab tab tab tab tab enter | bad needs a name; noplan
        3 n 'a_b' tab tab tab tab tab tab enter | bad Names are of letters; noplan
        3 n '..' tab tab tab tab tab tab enter | bad Names are of letters
        3 n 'x' tab '0' tab tab tab tab tab enter | bad Partitions: a number from 1
        3 n 'x' tab 'many' tab tab tab tab tab enter | bad Partitions: a number from 1
        3 n 'x' tab tab '40000' tab tab tab tab enter | bad Replication factor
        3 n 'x' tab tab tab tab 'soon' tab tab enter | bad Retention:
        3 n 'x' tab tab tab tab tab 'key' tab enter | bad name=value
        3 a ctrl-u '1' tab enter | bad can only be added; noplan
        3 a ctrl-u 'x' tab enter | bad Partitions in all
        3 a ctrl-u tab enter | bad Partitions in all
        3 p tab tab tab tab right tab tab tab enter | bad A tombstone needs a key; noplan
        3 p tab tab 'oops' tab tab tab tab tab enter | bad name=value
        3 P tab 'x' tab enter | bad Before offset: a number; noplan
        3 P tab '-1' tab enter | bad Before offset: a number
        3 m 'x' tab tab tab enter | bad Brokers: their numbers; noplan
        3 m '-1' tab tab tab enter | bad Brokers: their numbers
        3 m tab '0' tab tab enter | bad Replicas each
        3 m tab tab 'fast' tab enter | bad Throttle: bytes a second; noplan
        3 m tab tab '0' tab enter | bad Throttle: bytes a second
        3 R ctrl-u 'x' tab tab enter | bad Replicas each
        2 D right tab 'fast' tab enter | bad Throttle: bytes a second
        7 T enter | bad Per second
        7 T 'fast' enter | bad Throttle
        4 s tab right right right tab 'x' enter | bad Value: an offset; noplan
        4 s tab right right right tab '-1' enter | bad Value: an offset
        4 s tab right right right right tab '0' enter | bad Value: a number of messages
        4 s tab right right right right right tab 'yesterday' enter | bad Value: a time in UTC
        4 s tab left left left tab 'soon' enter | bad Value: a duration
        4 s tab left left tab enter | bad Value: the name of a CSV file
        3 e g ctrl-d | noplan
        A n ctrl-u 'alice' tab tab tab tab 'x' tab tab tab enter | bad Principal: TYPE:NAME
        A n ctrl-u 'User:a' tab tab tab tab ctrl-u tab tab tab enter | bad Name: of the topic
        Q n tab tab tab '10M' tab tab tab tab tab enter | bad Whose?
        Q n 'a' tab tab tab 'lots' tab tab tab tab tab enter | bad a number
        Q n 'a' tab tab tab tab tab tab tab tab enter | bad Nothing would change
        Q n 'a' tab tab '10.0.0.1' tab '1' tab tab tab tab tab enter | bad An address has quotas of its own
        """)) func badInput(check: Check) { check.run(Sample.administered()) }

    /// A place and every key that changes something there.
    struct Forbidden: Sendable, CustomTestStringConvertible {
        var keys: String
        var key: String
        var testDescription: String { "\(keys) then \(key)" }
    }

    private static let ways = [
        "1", "2", "3", "3 down enter", "4", "4 enter", "4 w", "6", "7", "8", "9", "3 down down down e", "3 l", "ctrl-t", "ctrl-t enter",
        "ctrl-t H", "A", "Q", "U", "5", "3 d", "@",
    ]

    static let forbidden: [Forbidden] = ways.flatMap { keys -> [Forbidden] in
        let place = Driver(Sample.administered(), width: 120, height: 40).press(keys).console.place
        return KeyMap.standard.bindings(in: place).filter(\.isChange).flatMap { binding in
            binding.keys.map { Forbidden(keys: keys, key: $0.name) }
        }
    }

    @Test func thereIsMuchToForbid() { #expect(ChangeChecks.forbidden.count > 60) }

    /// Read-only, each of them is refused in words, and neither opens anything nor asks for a plan.
    @Test(arguments: ChangeChecks.forbidden) func readOnlyRefuses(_ case: Forbidden) {
        let driver = Driver(Sample.administered(), width: 120, height: 40, readOnly: true).press(`case`.keys)
        driver.send(.chaos(Sample.conditions))
        let place = driver.console.place
        _ = driver.takeRequests()
        driver.press(`case`.key)
        let asked = driver.takeRequests()
        #expect(driver.console.overlay == nil && driver.console.place == place, "\(driver.text)")
        #expect(!asked.contains { if case .plan = $0 { true } else if case .run = $0 { true } else { false } })
        #expect(driver.console.flash?.notice.text.hasPrefix("Read-only: ") == true, "\(driver.text)")
    }

    /// And in the past each is refused, too.
    @Test(arguments: ChangeChecks.forbidden.filter { $0.keys != "3 l" }) func thePastRefuses(_ case: Forbidden) {
        let driver = Driver(Sample.administered(), width: 120, height: 40).press("3 <")
        driver.send(.past(.before(noon), .success(Sample.administered()))).press(`case`.keys)
        guard driver.console.isPast else { return }
        _ = driver.takeRequests()
        driver.press(`case`.key)
        #expect(driver.console.overlay == nil, "\(driver.text)")
        #expect(!driver.takeRequests().contains { if case .plan = $0 { true } else if case .run = $0 { true } else { false } })
    }
}
