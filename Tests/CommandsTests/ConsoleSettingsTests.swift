import Console
import Grid
import Observatory
import Settings
import Testing

@testable import Commands

/// `kastellan.yaml`, and what is wrong with it, by line.
@Suite struct ConsoleSettingsTests {
    @Test func allPartsAreRead() throws {
        let text = """
            skin: light
            keys:
              preset: vim
              bind:
                refresh: [f5, ctrl-r]
            columns:
              topics: {order: [MESSAGES], sort: -MESSAGES, widths: {MESSAGES: 20}}
            commands:
              - {key: f7, name: look, in: topics, run: "kcat -t '${topic}'", confirm: true}
            """
        let file = try ConsoleSettings(text)
        #expect(file.skin == "light" && file.columns.first?.widths == [.init("MESSAGES", 20)])
        #expect(file.commands.first?.words == ["kcat", "-t", "${topic}"] && file.commands.first?.confirms == true)
        #expect(file.keys.action(for: Key("D"), in: .topics) == .delete && file.keys.action(for: Key("r"), in: .topics) == nil)
    }

    @Test func linksAreRead() throws {
        let text = """
            links:
              - name: dashboard
                url: https://g/d?t=${topic}
                in: [topics, topic]
              - {name: message, url: "http://ui/${offset}/${column.lag}"}
            """
        let links = try ConsoleSettings(text).links
        #expect(links.map(\.name) == ["dashboard", "message"])
        #expect(links[0].contexts == [.topics, .topic] && links[1].contexts == [.table, .tail, .message])
    }

    static let wrongLinks: [(String, Int, String)] = [
        ("links: x", 1, "list"), ("links:\n  - {name: a}", 2, "a link wants url"),
        ("links:\n  - {url: \"https://a\"}", 2, "a link wants name"),
        ("links:\n  - name: a\n    url: file:///etc", 3, "begins with https://"),
        ("links:\n  - name: a\n    url: https://a/${b}", 3, "no ${b}"),
        ("links:\n  - {name: a, url: \"https://a\", in: nowhere}", 2, "no view nowhere"),
    ]

    @Test(arguments: wrongLinks.indices) func aWrongLinkIsNamedByItsLine(index: Int) {
        let (text, line, words) = ConsoleSettingsTests.wrongLinks[index]
        let error = #expect(throws: YAML.Failure.self) { try ConsoleSettings(text) }
        #expect(error?.line == line && error?.message.contains(words) == true, "\(String(describing: error))")
    }

    @Test func alertsAreRead() throws {
        let text = """
            alerts:
              - {when: under-replicated > 0 && offline == 0, for: 2m, resolved: true}
              - name: a group in trouble
                on: [lag-trouble, rebalance]
                of: billing*
                do: bell
                run: "page-me 'on call'"
            """
        let alerts = try ConsoleSettings(text).alerts
        #expect(alerts.count == 2 && alerts[0].name == "under-replicated > 0 && offline == 0" && alerts[0].means == [.bell, .notify])
        let expression = try CheckExpression("under-replicated > 0 && offline == 0")
        #expect(alerts[0].cause == .condition(expression, forMs: 120_000, resolved: true))
        #expect(alerts[1].cause == .happening([.lagTrouble, .rebalance], of: "billing*") && alerts[1].means == [.bell])
        #expect(alerts[1].hook == ["page-me", "on call"])
        #expect(try ConsoleSettings("alerts:\n- {on: rot, run: x}\n").alerts[0].means == [])
    }

    @Test func masksAreRead() throws {
        let text = """
            masks:
              - {topics: [pay*, /^orders\\./], of: [value.card.number, key.id], by: {mask: 4}}
              - name: people
                of: [headers, header.X-User, key, value]
                by: {replace: "***"}
            """
        let masks = try ConsoleSettings(text).masks
        #expect(masks.count == 2 && masks[0].name == "mask 1" && masks[0].way == .letters(keepLast: 4) && masks[0].origin.hasSuffix(":2"))
        #expect(masks[0].applies(to: "orders.eu") && masks[0].applies(to: "payments") && !masks[0].applies(to: "orders"))
        #expect(masks[1].parts == [.header("*"), .header("x-user"), .key, .value] && masks[1].way == .replace("***"))
    }

    @Test(arguments: [
        ("masks: {}\n", 1, "masks is to be a list"), ("masks:\n- {by: mask}\n", 2, "wants of"), ("masks:\n- {of: key}\n", 2, "wants by"),
        ("masks:\n- of: value..x\n  by: mask\n", 2, "value..x is no part"), ("masks:\n- {of: body, by: mask}\n", 2, "body is no part"),
        ("masks:\n- of: key\n  by: shuffle\n", 3, "by is to be"), ("masks:\n- of: key\n  by: {mask: many}\n", 3, "how many signs"),
        ("masks:\n- of: key\n  by: hash\n  topics: /(/\n", 4, "missing )"),
        ("masks:\n- {of: key, by: hash, colour: x}\n", 2, "a mask has no colour"),
        ("masks:\n- {of: {}, by: hash}\n", 2, "of is to be"),
    ])
    func mistakesInMasksAreToldWithTheirLine(text: String, line: Int, message: String) {
        #expect { try ConsoleSettings(text) } throws: { error in
            guard let failure = error as? YAML.Failure else { return false }
            return failure.line == line && failure.message.contains(message)
        }
    }

    @Test(arguments: [
        ("alerts: {}\n", 1, "alerts is to be a list"), ("alerts:\n- {name: x}\n", 2, "either when"),
        ("alerts:\n- {when: luck > 1}\n", 2, "nothing that can be checked"), ("alerts:\n- {on: luck}\n", 2, "nothing is called luck"),
        ("alerts:\n- when: lag > 1\n  for: soon\n", 3, "for is a time"), ("alerts:\n- {on: rot, for: 2m}\n", 2, "belong to when"),
        ("alerts:\n- {on: rot, do: shout}\n", 2, "shout is no way"), ("alerts:\n- {when: lag > 1, of: x}\n", 2, "of belongs to on"),
        ("alerts:\n- {on: rot, run: \"mail ${object}\"}\n", 2, "in its environment"),
        ("alerts:\n- {when: lag > 1, for: 9999999999999h}\n", 2, "for is"),
        ("alerts:\n- {on: rot, when: lag > 1}\n", 2, "either when"), ("alerts:\n- {on: rot, colour: x}\n", 2, "an alert has no colour"),
    ])
    func mistakesInAlertsAreToldWithTheirLine(text: String, line: Int, message: String) {
        #expect { try ConsoleSettings(text) } throws: { error in
            guard let failure = error as? YAML.Failure else { return false }
            return failure.line == line && failure.message.contains(message)
        }
    }

    @Test(arguments: [
        ("keys:\n  preset: emacs\n", 2, "no preset emacs"), ("keys:\n  bind:\n    nothing: a\n", 3, "no action nothing"),
        ("keys:\n  bind:\n    up: [i]\n    delete: e\n", 4, "would be both"), ("colour: red\n", 1, "the file has no colour"),
        ("columns:\n  topics: {order: [LUCK]}\n", 2, "topics has no column LUCK"), ("columns:\n  nothing: {}\n", 2, "no view nothing"),
        ("commands:\n- {key: e, name: x, run: y}\n", 2, "e is"), ("commands:\n- {key: f7, name: x}\n", 2, "a command wants run"),
        ("commands:\n- {key: f7, name: x, run: \"'\"}\n", 2, "a quote is open"),
        ("commands:\n- {key: f7, name: x, run: y}\n- {key: f7, name: z, run: y}\n", 3, "f7 is x"),
    ])
    func mistakesAreToldWithTheirLine(text: String, line: Int, message: String) {
        #expect { try ConsoleSettings(text) } throws: { error in
            guard let failure = error as? YAML.Failure else { return false }
            return failure.line == line && failure.message.contains(message)
        }
    }
}
