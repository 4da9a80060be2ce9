import Grid
import Observatory
import Primitives
import Testing

@testable import Console

/// Getting anywhere, in one line each.
@Suite struct ViewChecks {
    @Test(arguments: Check.lines(
        """
        1 | at overview; see Brokers; see Latest events
        2 | at brokers; rows 1,2,3; sel 1
        3 | at topics; sel audit-log
        4 | at groups; rows billing,clickstream,nightly-reports
        5 | at events
        t | at events
        6 | at partitions
        7 | at reassignments
        8 | at quorum
        9 | at heat map; see traffic
        ctrl-t | at transactions
        A | at acls
        Q | at quotas
        U | at users
        @ | at contexts
        * | at clusters
        ? | at help
        f1 | at help
        3 ? | at help; see HERE (topics)
        4 ? | see HERE (groups)
        ctrl-t H | at hanging
        ctrl-t H esc | at transactions
        3 enter | at audit-log
        3 down enter | at clicks; sel 0
        3 down d | at describe
        3 e | at configs
        2 e | at configs
        2 d | at describe; see broker-1.internal
        4 enter | at billing; sel orders-0
        4 d | at describe
        5 d | at describe
        6 d | at describe
        3 l | at tail; ask startTail
        4 l | at groups
        4 enter l | at tail; ask startTail
        3 w | at why
        4 w | at why
        2 w | at why
        6 w | at why
        9 w | at why
        1 enter | at brokers
        1 tab enter | at clicks
        1 tab tab enter | at nightly-reports
        2 enter | at describe
        6 enter | at clicks
        """)) func byKey(check: Check) { check.run(Sample.busy()) }

    @Test(arguments: Check.lines(
        """
        : 'overview' enter | at overview
        : 'o' enter | at overview
        : 'brokers' enter | at brokers
        : 'b' enter | at brokers
        : 'topics' enter | at topics
        : 't' enter | at topics
        : 'topics_/pay' enter | at topics; rows payments
        : 'topics_pay' enter | rows payments
        : 'topics_/!pay' enter | rows audit-log,clicks,inventory.changes,orders
        : 'topic_orders' enter | at orders; sel 0
        : 'topic_orders' enter esc | at topics
        : 'partitions' enter | at partitions
        : 'p' enter | at partitions
        : 'partitions_offline' enter | at partitions; rows clicks-7
        : 'partitions_under-replicated' enter | at partitions; see payments
        : 'partitions_/pay' enter | rows payments-1,payments-0,payments-2
        : 'reassignments' enter | at reassignments
        : 'moves' enter | at reassignments
        : 'quorum' enter | at quorum
        : 'raft' enter | at quorum
        : 'heatmap' enter | at heat map
        : 'heat' enter | at heat map
        : 'groups' enter | at groups
        : 'g' enter | at groups
        : 'consumers' enter | at groups
        : 'groups_/bil' enter | rows billing
        : 'group_billing' enter | at billing
        : 'group_billing' enter esc | at groups
        : 'events' enter | at events
        : 'timeline' enter | at events
        : 'events_/payments' enter | see payments; not audit-log
        : 'transactions' enter | at transactions
        : 'tx' enter | at transactions
        : 'hanging' enter | at hanging
        : 'acls' enter | at acls
        : 'acl' enter | at acls
        : 'quotas' enter | at quotas
        : 'users' enter | at users
        : 'scram' enter | at users
        : 'configs_orders' enter | at configs; see retention.ms
        : 'broker-configs_1' enter | at configs; see node.id
        : 'tail_orders' enter | at tail; ask startTail
        : 'tail_orders_payments' enter | at tail; ask payments
        : 'tail_/^o/' enter | at tail; ask startTail
        : 'tail_orders_-5' enter | ask last(5)
        : 'tail_orders_begin' enter | ask beginning
        : 'tail_orders_end' enter | ask TailStart.end
        : 'tail_orders_1234' enter | ask offset(1234)
        : 'tail_orders_2h' enter | ask 7200000
        : 'logs_orders' enter | at tail
        : 'dead-letters' enter | at topics
        : 'dlq' enter | at topics
        : 'contexts' enter | at contexts
        : 'clusters' enter | at clusters
        : 'cluster' enter | at clusters
        : 'why_billing' enter | at why; see billing
        : 'why_orders' enter | at why; see orders
        : 'why_1' enter | at why
        : 'help' enter | at help
        : 'h' enter | at help
        : 'refresh' enter | ask refresh
        : 'theme_light' enter | ask setTheme("light")
        : 'at_10m' enter | ask history
        : 'create' enter | form New topic
        : 'create_new1' enter | form New topic; see new1
        : 'q' enter | ask quit
        : 'quit' enter | ask quit
        : 'q!' enter | ask quit
        : 'exit' enter | ask quit
        : 'to' tab enter | at topics
        : 'group_bil' tab enter | at billing
        : 'topic_pay' tab enter | at payments
        : 'partitions_off' tab enter | rows clicks-7
        : esc | closed; at overview
        : backspace | closed
        """)) func byName(check: Check) { check.run(Sample.busy()) }

    @Test(arguments: Check.lines(
        """
        : 'frobnicate' enter | say No command frobnicate
        : 'topic' enter | say topic wants a name
        : 'group' enter | say group wants a name
        : 'configs' enter | say configs wants a name
        : 'why' enter | say why wants a name
        : 'why_nobody' enter | say nobody
        : 'at' enter | say at wants a name
        : 'at_soon' enter | say Not a time
        : 'theme' enter | say theme wants a name
        : 'transaction' enter | say transaction wants a name
        : 'tail' enter | say tail wants a topic
        : 'tail_orders_@yesterday' enter | say Not a start
        : 'broker-configs' enter | say broker-configs wants a broker's number
        : 'broker-configs_one' enter | say broker-configs wants a broker's number
        : 'arm_0' enter | say arm wants minutes
        : 'arm_soon' enter | say arm wants minutes
        : 'disarm' enter | say Nothing is armed
        : 'topics_@nowhere' enter | say nowhere
        3 / '(' | bad missing )
        3 / '[a' | bad ]
        3 / '*' | bad repeat
        3 / 'a{2000}' | bad large
        3 l / 'k:(' | bad missing )
        3 l / 'p:x' | bad p:
        3 l o 'sometime' | bad offset
        """)) func whatIsNotUnderstood(check: Check) { check.run(Sample.busy()) }

    @Test(arguments: Check.lines(
        """
        3 / 'pay' | rows payments; see </pay>
        3 / 'pay' enter | rows payments; closed
        3 / 'pay' enter esc | rows audit-log,clicks,inventory.changes,orders,payments; at topics
        3 / 'pay' esc | rows audit-log,clicks,inventory.changes,orders,payments; closed
        3 / 'PAY' | see Nothing matches.
        : 'dead-letters' enter | see Nothing matches.
        3 / '^o' | rows orders
        3 / 's$' | rows clicks,inventory.changes,orders,payments
        3 / '!s$' | rows audit-log
        3 / '-f_ods' | rows orders
        3 / 'nothing' | see Nothing matches.
        3 / 'o' ctrl-u 'pay' | rows payments
        3 / 'payx' backspace | rows payments
        3 f4 'pay' | rows payments
        4 / 'night' enter | rows nightly-reports; sel nightly-reports
        2 / 'internal' | rows 1,2,3
        5 / 'billing' enter | see billing; not audit-log
        3 ! | rows clicks,payments; see <only faults>
        3 ! ! | rows audit-log,clicks,inventory.changes,orders,payments
        3 0 | see __consumer_offsets
        3 0 0 | not __consumer_offsets
        6 f | rows clicks-7; see offline
        6 f f | see under-replicated
        6 F | at partitions
        9 f | see size
        9 f f | see lag
        9 f f f | see traffic
        3 down enter / '^7$' enter | rows 7
        3 down down down e / 'retention' enter | rows retention.ms
        3 down down down e ! | rows retention.ms
        """)) func filters(check: Check) { check.run(Sample.busy()) }

    @Test(arguments: Check.lines(
        """
        3 shift-right | rows clicks,orders,inventory.changes,payments,audit-log
        3 shift-right O | rows audit-log,inventory.changes,payments,orders,clicks
        3 shift-right shift-left | rows audit-log,clicks,inventory.changes,orders,payments
        3 shift-left | at topics
        3 O | rows payments,orders,inventory.changes,clicks,audit-log
        3 O O | rows audit-log,clicks,inventory.changes,orders,payments
        3 f6 | rows payments,orders,inventory.changes,clicks,audit-log
        3 O N | rows audit-log,clicks,inventory.changes,orders,payments
        3 down O | sel clicks
        3 down shift-right | sel clicks
        4 O | rows nightly-reports,clickstream,billing
        2 O | rows 3,2,1
        4 enter O | rows orders-0,orders-1,orders-2,orders-3,orders-4,orders-5
        3 down S | sel clicks
        """)) func sorts(check: Check) { check.run(Sample.busy()) }

    @Test(arguments: Check.lines(
        """
        3 down | sel clicks
        3 j j | sel inventory.changes
        3 j j k | sel clicks
        3 up | sel audit-log
        3 G | sel payments
        3 end | sel payments
        3 G g | sel audit-log
        3 G home | sel audit-log
        3 pgdn | sel payments
        3 pgdn pgup | sel audit-log
        3 ctrl-f | sel payments
        3 ctrl-f ctrl-b | sel audit-log
        3 down enter esc | at topics; sel clicks
        3 down enter q | at topics; sel clicks
        3 down d esc | at topics; sel clicks
        3 down e esc | at topics; sel clicks
        3 down w esc | at topics; sel clicks
        3 down l esc | at topics; sel clicks; ask stopTail
        4 down enter esc | at groups; sel clickstream
        3 4 - | at topics
        3 4 - - | at groups
        3 4 5 [ | at groups
        3 4 5 [ [ | at topics
        3 4 5 [ [ ] | at groups
        3 down 4 3 | at topics
        q | see Quit?
        q n | closed; at overview
        q y | ask quit
        q esc | closed
        3 q | see Quit?
        ctrl-c | ask quit
        f10 | ask quit
        3 n ctrl-c | ask quit
        ctrl-z | ask suspend
        ctrl-l | ask redraw
        r | ask refresh
        f5 | ask refresh
        ctrl-r | ask refresh
        3 ctrl-e | not kastellan
        3 ctrl-e ctrl-e | see kastellan
        3 ctrl-g | not <topics>
        3 c | ask copy("audit-log"); say Copied
        3 C | ask copy
        3 space space c | ask audit-log\\nclicks
        3 space down v c | ask copy("audit-log\\nclicks\\ninventory.changes")
        3 space ctrl-\\ c | ask copy("clicks")
        4 enter tab | sel rdkafka-0-6f1c2d3e-aaaa-4bbb-8ccc-0123456789a0
        4 enter tab tab | sel orders-0
        4 enter backtab | sel rdkafka-0-6f1c2d3e-aaaa-4bbb-8ccc-0123456789a0
        3 x | menu Actions
        3 f2 | menu Actions
        3 x esc | closed
        3 x q | closed
        3 x l | at tail
        < | ask before
        { | ask HistorySeek.at
        > | say This is now
        } | say This is now
        \\ | say This is now
        = | say Step back first
        z | say Nothing to undo
        5 ctrl-s | see events
        3 ? / 'suspend' enter | see suspend to the shell
        3 ? / 'nosuchword' enter | see Not found
        """)) func moves(check: Check) { check.run(Sample.busy()) }

    /// Whatever comes and goes around it, the selection is on the same thing.
    @Test(arguments: ["audit-log", "clicks", "inventory.changes", "orders", "payments"])
    func theSelectionSticksToItsRow(topic: String) {
        for sorting in ["", "O", "shift-right", "shift-right O", "shift-right shift-right"] {
            let driver = Driver(width: 120, height: 40).press("3").press(sorting)
            for _ in 0..<5 where driver.console.selectedRow?.id != topic { driver.press("down") }
            if driver.console.selectedRow?.id != topic { driver.press("g") }
            for _ in 0..<5 where driver.console.selectedRow?.id != topic { driver.press("down") }
            driver.expectSelected(topic)
            var snapshot = Sample.busy()
            for round in 0..<20 {
                let name = "\(["a", "m", "z"][round % 3])\(round)"
                snapshot.topics[name] = Sample.topic(name, 1, Int64(round * 7_919 % 2_000_000), rate: Double(round * 37 % 2000))
                if round % 4 == 3 { snapshot.topics["a\(round - 3)"] = nil }
                driver.send(.snapshot(snapshot)).expectSelected(topic)
            }
            // What is gone gives its place to a neighbour, and does not come back by itself.
            snapshot.topics[topic] = nil
            driver.send(.snapshot(snapshot))
            #expect(driver.console.selectedRow != nil && driver.console.selectedRow?.id != topic)
        }
    }
}
