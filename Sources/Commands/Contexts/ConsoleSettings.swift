import Console
import Glibc
import Grid
import Observatory
import Primitives
import Settings

/// `kastellan.yaml`: keys, the skin, programs behind keys, columns, alerts, masks. A mistake is told with its line.
struct ConsoleSettings {
    var keys = KeyMap.standard
    var skin: String?
    var commands: [ExternalCommand] = []
    var columns: [ColumnWish] = []

    var alerts: [AlertRule] = []

    var masks: [MaskRule] = []

    var links: [LinkTemplate] = []

    var maxBytesPerSecond: Int?

    private static let parts = ["keys", "skin", "commands", "columns", "alerts", "masks", "links", "max-bytes-per-second"]

    init() {}

    /// The user's; as without one where there is none.
    static func read() throws(Failure) -> ConsoleSettings {
        guard let text = readText(Paths.settingsFile) else { return ConsoleSettings() }
        do throws(YAML.Failure) {
            return try ConsoleSettings(text)
        } catch {
            throw Failure(.usage, "\(Paths.settingsFile): line \(error.line): \(error.message)")
        }
    }

    init(_ text: String) throws(YAML.Failure) {
        for entry in try YAML.parse(text).entries(of: "the file", only: ConsoleSettings.parts) {
            switch entry.key {
            case "keys": keys = try ConsoleSettings.keys(entry.value)
            case "max-bytes-per-second":
                guard let bytes = entry.value.text.flatMap({ Int($0) }), (100...1_000_000_000).contains(bytes) else {
                    throw YAML.Failure(line: entry.line, "max-bytes-per-second is to be a number from 100")
                }
                maxBytesPerSecond = bytes
            case "skin": skin = try entry.value.wantedText("skin")
            case "commands":
                guard let list = entry.value.list else { throw YAML.Failure(line: entry.line, "commands is to be a list") }
                for item in list { commands.append(try ConsoleSettings.command(item)) }
            case "alerts":
                guard let list = entry.value.list else { throw YAML.Failure(line: entry.line, "alerts is to be a list") }
                for item in list { alerts.append(try ConsoleSettings.alert(item)) }
            case "links":
                guard let list = entry.value.list else { throw YAML.Failure(line: entry.line, "links is to be a list") }
                for item in list { links.append(try ConsoleSettings.link(item)) }
            case "masks": masks = try ConsoleSettings.masks(of: entry.value)
            default: for view in try entry.value.entries(of: "columns") { columns.append(try ConsoleSettings.wish(view)) }
            }
        }
        try checkCommands()
    }

    // MARK: Keys

    private static func keys(_ node: YAML) throws(YAML.Failure) -> KeyMap {
        var map = KeyMap.standard
        var wishes: [Rebinding] = []
        for entry in try node.entries(of: "keys", only: ["preset", "bind"]) {
            if entry.key == "preset" {
                let name = try entry.value.wantedText("preset")
                guard let preset = KeyMap.preset(name) else {
                    let names = KeyMap.presetNames.joined(separator: ", ")
                    throw YAML.Failure(line: entry.line, "there is no preset \(name); there are \(names)")
                }
                map = preset
            } else {
                for binding in try entry.value.entries(of: "bind") { wishes.append(try rebinding(binding)) }
            }
        }
        switch map.rebound(wishes) {
        case .success(let map): return map
        case .failure(let failure): throw located(failure, node.line)
        }
    }

    private static func rebinding(_ entry: YAML.Entry) throws(YAML.Failure) -> Rebinding {
        guard let names = entry.value.texts ?? (entry.value.isNull ? [] : nil) else {
            throw YAML.Failure(line: entry.line, "\(entry.key) wants a key, or a list of keys")
        }
        switch Rebinding.parse(entry.key, keys: names, origin: String(entry.line)) {
        case .success(let wish): return wish
        case .failure(let failure): throw located(failure, entry.line)
        }
    }

    /// Messages about keys begin with the line that they are about.
    private static func located(_ failure: ConsoleFailure, _ line: Int) -> YAML.Failure {
        let parts = failure.message.split(separator: ":", maxSplits: 1)
        guard parts.count == 2, let told = Int(parts[0]) else { return YAML.Failure(line: line, failure.message) }
        return YAML.Failure(line: told, String(parts[1].drop { $0 == " " }))
    }

    // MARK: Programs

    private static func command(_ node: YAML) throws(YAML.Failure) -> ExternalCommand {
        _ = try node.entries(of: "a command", only: ["key", "name", "in", "run", "confirm", "background"])
        let name = try text("key", of: node)
        guard let key = Key(name: name) else { throw YAML.Failure(line: node.line, "there is no key \(name)") }
        guard let words = CommandWords.split(try text("run", of: node)), !words.isEmpty else {
            throw YAML.Failure(line: node.line, "run is no command line: a quote is open")
        }
        return ExternalCommand(
            key: key, name: try text("name", of: node), contexts: try views(node["in"], otherwise: [.table]), words: words,
            confirms: try flag("confirm", of: node),
            isDetached: try flag("background", of: node), origin: String(node.line))
    }

    private static func views(_ node: YAML?, otherwise usual: [KeyContext]) throws(YAML.Failure) -> [KeyContext] {
        guard let node else { return usual }
        guard let names = node.texts else { throw YAML.Failure(line: node.line, "in is to be a view, or a list of views") }
        var contexts: [KeyContext] = []
        for name in names {
            guard let context = KeyContext(rawValue: name) else { throw YAML.Failure(line: node.line, "there is no view \(name)") }
            contexts.append(context)
        }
        return contexts
    }

    /// Where something is found in a browser.
    private static func link(_ node: YAML) throws(YAML.Failure) -> LinkTemplate {
        _ = try node.entries(of: "a link", only: ["name", "url", "in"])
        let (name, url) = (try text("name", of: node, "a link"), try text("url", of: node, "a link"))
        switch LinkTemplate.parse(name: name, url: url, contexts: try views(node["in"], otherwise: [.table, .tail, .message])) {
        case .success(let link): return link
        case .failure(let failure): throw YAML.Failure(line: node["url"]?.line ?? node.line, failure.message)
        }
    }

    private static func text(_ name: String, of node: YAML, _ what: String = "a command") throws(YAML.Failure) -> String {
        guard let value = node[name] else { throw YAML.Failure(line: node.line, "\(what) wants \(name)") }
        return try value.wantedText(name)
    }

    private static func flag(_ name: String, of node: YAML) throws(YAML.Failure) -> Bool {
        guard let value = node[name] else { return false }
        return try value.wantedBool(name)
    }

    /// A key that means something in a view already is refused.
    private func checkCommands() throws(YAML.Failure) {
        for (index, command) in commands.enumerated() {
            let line = Int(command.origin) ?? 1
            for place in KeyMap.places where place.contexts.contains(where: { command.contexts.contains($0) }) {
                if let action = keys.action(for: command.key, in: place) {
                    throw YAML.Failure(line: line, "\(command.key.name) is \(action.rawValue) in \(place.crumb) already")
                }
                let twin = commands[..<index].first { other in
                    other.key == command.key && other.contexts.contains { place.contexts.contains($0) }
                }
                if let twin { throw YAML.Failure(line: line, "\(command.key.name) is \(twin.name) in \(place.crumb) already") }
            }
        }
    }

    // MARK: Columns

    private static func wish(_ entry: YAML.Entry) throws(YAML.Failure) -> ColumnWish {
        var wish = ColumnWish(view: entry.key)
        for part in try entry.value.entries(of: entry.key, only: ["order", "sort", "widths"]) {
            switch part.key {
            case "order":
                guard let names = part.value.texts else { throw YAML.Failure(line: part.line, "order is to be a list of columns") }
                wish.order = names
            case "sort": wish.sort = try part.value.wantedText("sort")
            default:
                for width in try part.value.entries(of: "widths") {
                    guard let columns = width.value.text.flatMap({ Int($0) }), (1...500).contains(columns) else {
                        throw YAML.Failure(line: width.line, "\(width.key) wants a width from 1 to 500")
                    }
                    wish.widths.append(ColumnWish.Width(width.key, columns))
                }
            }
        }
        guard let titles = Console.columnTitles(of: wish.view) else {
            throw YAML.Failure(line: entry.line, "there is no view \(wish.view) with columns")
        }
        if let wrong = wish.unknown(among: titles).first {
            throw YAML.Failure(line: entry.line, "\(wish.view) has no column \(wrong); it has \(titles.joined(separator: ", "))")
        }
        return wish
    }
}
