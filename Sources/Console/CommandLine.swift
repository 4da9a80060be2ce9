import Grid
import Observatory
import Primitives

/// What is typed after `:`, understood: `topics /foo`, `group billing`, `tail orders -100`, `q`.
package enum CommandLine {
    package enum Command: Equatable, Sendable {
        case go(Place, filter: String?)
        /// All partitions in one kind of trouble.
        case partitions(PartitionTrouble, filter: String?)
        /// A tail from somewhere.
        case tail(String, TailRange?)
        /// The versions of APIs, below the features.
        case apis(filter: String?)
        case perform(Action)
        /// Why a group is as it is; where there is none of that name, a topic; a number is a broker.
        case why(String)
        /// The screen as it was at a time.
        case at(String)
        case theme(String)
        /// A connector by its name alone, on whichever Connect it is.
        case connector(String)
        case create(String?)
        /// To another cluster, and what to do there.
        case context(String, then: String?)
        case arm(minutes: Int64)
        case disarm
        /// One of the links of `kastellan.yaml`.
        case link(String)
    }

    /// For help and completion: the usage and what it does.
    package static let help: [(String, String)] = [
        ("overview", "brokers, health, throughput, lag, events"), ("brokers [/filter]", "brokers and their disks"),
        ("topics [/filter]", "all topics"), ("topic NAME", "one topic's partitions and their replicas"),
        ("partitions [TROUBLE]", "all partitions; offline, under-replicated, under-min-isr, at-min-isr, not-preferred, reassigning"),
        ("reassignments", "partitions on their way, throttles"), ("quorum", "the metadata quorum"),
        ("at TIME", "the screen as it was: 10m, 14:05, 2026-01-31T10:30"), ("heatmap", "partitions by broker: traffic, size,"
            + " lag"), ("why GROUP|TOPIC|ID", "why a group, a topic or a broker is as it is"),
        ("groups [/filter]", "consumer groups"),
        ("group NAME", "one group's partitions and members"), ("events [/filter]", "what happened"),
        ("transactions [/filter]", "transactional ids, and what they have under way"), ("transaction ID", "one id's partitions"),
        ("hanging", "transactions that partitions hold open, and who ends them"),
        ("acls [/filter]", "access rules"), ("quotas [/filter]", "limits of users, client ids and addresses"),
        ("users [/filter]", "who logs in by SCRAM"),
        ("features [/filter]", "levels of features, and APIs, of all brokers compared"), ("apis [/filter]", "the same, from the APIs"),
        ("clients [/filter]", "who is connected; on a cluster of others, who seems to be"),
        ("alerts", "what kastellan.yaml wants to be told of, and how it stands"),
        ("configs TOPIC", "a topic's configs"), ("broker-configs ID", "a broker's configs"),
        ("tail TOPIC… [START]", "messages as they come, of several topics or /PATTERN/; START: begin, end, 1234, -100, 2h, @-1h:-5m"),
        ("dead-letters", "topics that are called like dead letter queues; R in their tail redrives"),
        ("connectors [/filter]", "connectors of Kafka Connect"), ("connector NAME", "one connector's tasks"),
        ("schemas [/filter]", "subjects of the schema registry"), ("schema SUBJECT", "one subject's versions"),
        ("contexts", "clusters that have a name"), ("clusters [/filter]", "all of them: who can be reached, and what is wrong there"),
        ("diff CONTEXT [/filter]", "topics and settings: what only one of two clusters has, and what differs"),
        ("ctx NAME", "another cluster; topics @NAME goes to a view there"),
        ("arm [MINUTES]", "let changes through for a while where the context is read-only"), ("disarm", "end that"),
        ("link NAME", "where this is in a browser, as kastellan.yaml says"),
        ("create [TOPIC]", "a new topic"), ("theme NAME", "another theme"), ("help", "keys and commands"), ("q", "quit"),
    ]

    /// Short forms that k9s and habit have taught.
    private static let aliases: [(String, String)] = [
        ("o", "overview"), ("b", "brokers"), ("broker", "brokers"), ("t", "topics"), ("g", "groups"), ("consumers", "groups"),
        ("e", "events"), ("p", "partitions"), ("moves", "reassignments"), ("raft", "quorum"), ("heat", "heatmap"),
        ("controllers", "quorum"),
        ("timeline", "events"), ("config", "configs"), ("c", "configs"), ("logs", "tail"), ("new", "create"), ("skin", "theme"),
        ("tx", "transactions"), ("txns", "transactions"), ("acl", "acls"), ("quota", "quotas"), ("user", "users"), ("scram", "users"),
        ("client", "clients"), ("connections", "clients"), ("who", "clients"), ("connect", "connectors"), ("kc", "connectors"),
        ("feature", "features"), ("api", "apis"), ("versions", "features"),
        ("quit", "q"),
        ("exit", "q"), ("ctx", "contexts"), ("context", "contexts"), ("cluster", "clusters"),
        ("dlq", "dead-letters"), ("dlt", "dead-letters"), ("q!", "q"),
        ("subjects", "schemas"), ("sr", "schemas"),
        ("h", "help"), ("?", "help"), ("refresh", "r"),
    ]

    /// Views that a word alone goes to, or a filter for them.
    private static let lists: OrderedMap<String, Place> = OrderedMap([
        ("acls", .access), ("clients", .clients), ("clusters", .clusters), ("connectors", .connectors), ("features", .features),
        ("hanging", .hanging),
        ("quotas", .quotas), ("transactions", .transactions), ("users", .users),
    ])

    package static func parse(_ text: String, now: Timestamp) -> Result<Command, ConsoleFailure> {
        let words = text.split(separator: " ").map(String.init)
        guard let first = words.first else { return .failure(ConsoleFailure("Nothing typed.")) }
        if let at = words.first(where: { $0.hasPrefix("@") && $0.count > 1 }), first != "tail" && first != "logs" {
            let rest = words.filter { $0 != at }.joined(separator: " ")
            return .success(.context(String(at.dropFirst()), then: rest.isEmpty ? nil : rest))
        }
        let name = aliases.first { $0.0 == first }?.1 ?? first
        let arguments = words.dropFirst()
        let filter = arguments.first { $0.hasPrefix("/") }.map { String($0.dropFirst()) }
        let argument = arguments.first { !$0.hasPrefix("/") }
        func needed(_ make: (String) -> Command) -> Result<Command, ConsoleFailure> {
            guard let argument else { return .failure(ConsoleFailure("\(name) wants a name.")) }
            return .success(make(argument))
        }
        if let place = lists[name] { return .success(.go(place, filter: filter ?? argument)) }
        switch name {
        case "overview": return .success(.go(.overview, filter: nil))
        case "brokers": return .success(.go(.brokers, filter: filter ?? argument))
        case "topics": return .success(.go(.topics, filter: filter ?? argument))
        case "groups": return .success(.go(.groups, filter: filter ?? argument))
        case "events": return .success(.go(.events, filter: filter ?? argument))
        case "partitions": return .success(partitions(argument, filter))
        case "reassignments": return .success(.go(.reassignments, filter: filter ?? argument))
        case "quorum": return .success(.go(.quorum, filter: filter))
        case "heatmap": return .success(.go(.heat, filter: nil))
        case "apis": return .success(.apis(filter: filter ?? argument))
        case "diff": return needed { .go(.diff($0), filter: filter) }
        case "why": return needed { .why($0) }
        case "connector": return needed { .connector($0) }
        case "alerts": return .success(.go(.alerts, filter: filter ?? argument))
        case "schemas": return .success(.go(.schemas, filter: filter ?? argument))
        case "schema": return needed { .go(.schema($0), filter: filter) }
        case "transaction": return needed { .go(.transaction($0), filter: filter) }
        case "at": return needed { .at($0) }
        case "topic": return needed { .go(.topic($0), filter: filter) }
        case "group": return needed { .go(.group($0), filter: filter) }
        case "configs": return needed { .go(.configs(.topic($0)), filter: filter) }
        case "broker-configs":
            guard let id = argument.flatMap({ Int32($0) }) else {
                return .failure(ConsoleFailure("broker-configs wants a broker's number."))
            }
            return .success(.go(.configs(.broker(BrokerID(id))), filter: filter))
        case "tail": return parseTail(Array(arguments), now: now)
        case "dead-letters": return .success(.go(.topics, filter: DeadLetterOrigin.topicPattern))
        case "create": return .success(.create(argument))
        case "theme": return needed { .theme($0) }
        case "contexts":
            guard let argument else { return .success(.go(.contexts, filter: filter)) }
            return .success(.context(argument, then: nil))
        case "arm":
            guard let argument else { return .success(.arm(minutes: Console.armMinutes)) }
            let digits = argument.hasSuffix("m") ? argument.dropLast() : Substring(argument)
            guard let minutes = Int64(digits), (1...Console.armMinutesMax).contains(minutes) else {
                return .failure(ConsoleFailure("arm wants minutes, from 1 to \(Console.armMinutesMax)."))
            }
            return .success(.arm(minutes: minutes))
        case "disarm": return .success(.disarm)
        case "link": return needed { _ in .link(arguments.joined(separator: " ")) }
        case "help": return .success(.perform(.help))
        case "r": return .success(.perform(.refresh))
        case "q": return .success(.perform(.quit))
        default: return .failure(ConsoleFailure("No command \(Escape.line(first)); ? lists them."))
        }
    }

    private static func partitions(_ argument: String?, _ filter: String?) -> Command {
        guard let argument else { return .go(.partitions, filter: filter) }
        guard let trouble = PartitionTrouble(rawValue: argument) else { return .go(.partitions, filter: filter ?? argument) }
        return .partitions(trouble, filter: filter)
    }

    private static func parseTail(_ arguments: [String], now: Timestamp) -> Result<Command, ConsoleFailure> {
        guard let topic = arguments.first else { return .failure(ConsoleFailure("tail wants a topic.")) }
        guard arguments.count > 1 else { return .success(.tail(topic, nil)) }
        // Topics first, then where to start: the longest tail of the line that means a start.
        for count in 1..<arguments.count {
            let text = arguments[count...].joined(separator: " ")
            guard isTopics(arguments[..<count]), let range = TailRange(text, now: now) else { continue }
            return .success(.tail(arguments[..<count].joined(separator: " "), range))
        }
        if isTopics(arguments[...]) { return .success(.tail(arguments.joined(separator: " "), nil)) }
        return .failure(
            ConsoleFailure("Not a start: \(Escape.line(arguments.dropFirst().joined(separator: " "))); topic \(Escape.line(topic))."))
    }

    /// A pattern stands alone; what begins a start's text is no topic's name.
    private static func isTopics(_ words: ArraySlice<String>) -> Bool {
        if words.contains(where: { $0.hasPrefix("/") }) { return words.count == 1 }
        return words.allSatisfy { !$0.hasPrefix("@") && !$0.contains(":") && !$0.hasPrefix("+") && !$0.hasPrefix("-") }
    }

    /// The rest of the word being typed, or nil: commands first, then names from the cluster.
    package static func completion(
        of text: String, snapshot: ClusterSnapshot, themes: [String], contexts: [String] = [], links: [String] = []
    ) -> String? {
        candidates(for: text, snapshot: snapshot, themes: themes, contexts: contexts, links: links).first
    }

    /// What could follow, each as the rest to be appended.
    package static func candidates(
        for text: String, snapshot: ClusterSnapshot, themes: [String], contexts: [String] = [], links: [String] = []
    ) -> [String] {
        guard let space = text.firstIndex(of: " ") else {
            if text.isEmpty { return [] }
            let names = help.map { String($0.0.prefix { $0 != " " }) }
            return names.filter { $0.hasPrefix(text) && $0 != text }.map { String($0.dropFirst(text.count)) }
        }
        let command = String(text[..<space])
        let argument = String(text[text.index(after: space)...])
        if argument.contains(" ") || argument.hasPrefix("/") { return [] }
        let name = aliases.first { $0.0 == command }?.1 ?? command
        let pool: [String]
        switch name {
        case "topic", "tail", "configs": pool = snapshot.topics.keys
        case "group": pool = snapshot.groups.keys
        case "why": pool = snapshot.groups.keys + snapshot.topics.keys
        case "transaction": pool = snapshot.admin.transactions.keys
        case "partitions": pool = PartitionTrouble.allCases.map(\.rawValue)
        case "broker-configs": pool = snapshot.brokers.keys.map(\.description)
        case "theme": pool = themes
        case "link": pool = links
        case "contexts", "diff": pool = contexts
        default: pool = []
        }
        return pool.filter { $0.hasPrefix(argument) && $0 != argument }.prefix(50).map { String($0.dropFirst(argument.count)) }
    }
}
