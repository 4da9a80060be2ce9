import Console
import Grid
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
