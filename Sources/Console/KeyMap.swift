import Grid

/// One line of the key table: it dispatches, it is the hint in the header, and it is the line in the help.
package struct KeyBinding: Equatable, Sendable {
    package var keys: [Key]
    package var action: Action
    package var contexts: [KeyContext]
    /// The word beside the key in the header; empty for keys that are only in the help.
    package var hint: String
    package var help: String
    /// Changes the cluster: not there in read-only mode.
    package var isChange: Bool

    package init(_ keys: String, _ action: Action, _ contexts: [KeyContext], hint: String = "", _ help: String, isChange: Bool = false) {
        self.keys = keys.split(separator: " ").compactMap { Key(name: String($0)) }
        self.action = action
        self.contexts = contexts
        self.hint = hint
        self.help = help
        self.isChange = isChange
    }
}

/// The key table. One place for what every key does, everywhere.
package struct KeyMap: Equatable, Sendable {
    package var bindings: [KeyBinding]

    package init(bindings: [KeyBinding]) { self.bindings = bindings }

    package func action(for key: Key, in place: Place, readOnly: Bool = false) -> Action? {
        let contexts = place.contexts
        return bindings.first { $0.keys.contains(key) && $0.holds(in: contexts) && !(readOnly && $0.isChange) }?.action
    }

    /// `hasChaos`: the cluster is one of our own, on which faults can be made.
    package func bindings(in place: Place, readOnly: Bool = false, hasChaos: Bool = true) -> [KeyBinding] {
        let contexts = place.contexts
        return bindings.filter { $0.holds(in: contexts) && !(readOnly && $0.isChange) && (hasChaos || $0.action != .chaos) }
    }

    /// Keys that mean two things in one place; empty in a sound table.
    package func conflicts(in place: Place) -> [String] {
        var seen: [(Key, Action)] = []
        var problems: [String] = []
        for binding in bindings(in: place) {
            for key in binding.keys {
                if let other = seen.first(where: { $0.0 == key }) {
                    problems.append("\(key.name): \(other.1.rawValue) and \(binding.action.rawValue)")
                }
                seen.append((key, binding.action))
            }
        }
        return problems
    }
}

extension KeyBinding {
    func holds(in contexts: [KeyContext]) -> Bool { self.contexts.contains { contexts.contains($0) } }
}

extension KeyMap {
    /// The k9s preset: what fingers already know.
    package static let standard = KeyMap(
        bindings: opening + acting + administering + schemas + connecting
            + replicating + breaking + tailing + listing + reading + moving + going)

    private static let acting: [KeyBinding] = [
        KeyBinding("n ctrl-n", .create, [.topics, .overview], hint: "new topic", "create a topic", isChange: true),
        KeyBinding("p", .produce, [.topics, .topic], hint: "produce", "produce a message", isChange: true),
        KeyBinding("B", .load, [.topics, .topic], "write load to the topic, and time it", isChange: true),
        KeyBinding("a", .addPartitions, [.topics, .topic], hint: "add parts", "add partitions", isChange: true),
        KeyBinding("Y", .cloneTopic, [.topics, .topic], "a new topic with the settings of this one", isChange: true),
        KeyBinding("E", .recreateTopic, [.topics, .topic], "delete the topic and create it again, empty", isChange: true),
        KeyBinding("e enter", .edit, [.configs], hint: "edit", "change the value", isChange: true),
        KeyBinding("ctrl-d", .resetConfig, [.configs], hint: "default", "take the value back to its default", isChange: true),
        KeyBinding("s", .resetOffsets, [.groups, .group, .why], hint: "reset offsets", "reset the group's offsets", isChange: true),
        KeyBinding("P", .purge, [.topics, .topic], hint: "purge", "delete records before an offset", isChange: true),
        KeyBinding("ctrl-d f9", .delete, [.topics, .groups], hint: "delete", "delete", isChange: true),
        KeyBinding("ctrl-d f9", .delete, [.group], hint: "forget topic", "delete the group's offsets for the topic", isChange: true),
        KeyBinding("z", .undo, [.browsing], "undo the last change, where it can be undone; again, the one before", isChange: true),
        KeyBinding("Z", .redo, [.browsing], "make again what was undone last", isChange: true),
    ]

    private static let administering: [KeyBinding] = [
        KeyBinding("H", .goHanging, [.transactions], hint: "find hanging", "transactions that partitions hold open, and who ends them"),
        KeyBinding(
            "ctrl-d f9", .abortTransaction, [.transactions, .transaction, .hanging], hint: "abort",
            "abort it: by its coordinator, or by a marker where it hangs", isChange: true),
        KeyBinding("n ctrl-n", .newRule, [.access], hint: "new rule", "allow or deny somebody something", isChange: true),
        KeyBinding("n ctrl-n", .newQuota, [.quotas], hint: "new quota", "limit a user, a client id or an address", isChange: true),
        KeyBinding("e enter", .editQuota, [.quotas], hint: "change", "change the limits", isChange: true),
        KeyBinding("ctrl-d f9", .removeAdmin, [.access], hint: "remove", "remove the marked rules, or the one selected", isChange: true),
        KeyBinding("ctrl-d f9", .removeAdmin, [.quotas], hint: "remove", "remove all limits of the entity", isChange: true),
        KeyBinding("e enter", .setFeature, [.features], hint: "level", "raise or lower the feature's level in the cluster", isChange: true),
        KeyBinding("m", .mute, [.alerts], hint: "mute", "the rule tells nobody any more, or does again"),
        KeyBinding("n ctrl-n", .newUser, [.users], hint: "new user", "give a new user a password", isChange: true),
        KeyBinding("e enter", .editUser, [.users], hint: "password", "another password for the user, or more iterations", isChange: true),
        KeyBinding("ctrl-d f9", .removeAdmin, [.users], hint: "remove", "take this way to log in from the user", isChange: true),
    ]

    private static let schemas: [KeyBinding] = [
        KeyBinding("enter", .open, [.schemas, .schema], hint: "open", "the versions of the subject; the schema of the version"),
        KeyBinding("n ctrl-n", .registerSchema, [.schemas, .schema], hint: "register", "register a schema from a file", isChange: true),
        KeyBinding(
            "e", .editSchema, [.schema, .schemaText], hint: "edit", "the schema in $EDITOR; what is changed there is the next version",
            isChange: true),
        KeyBinding("D", .diffSchemas, [.schema], hint: "diff", "what differs: two marked versions, or this one and the one before"),
        KeyBinding("m", .schemaRule, [.schemas, .schema], hint: "compatibility", "the rule for new versions", isChange: true),
        KeyBinding("ctrl-d f9", .deleteSchema, [.schemas], hint: "delete", "delete the subject", isChange: true),
        KeyBinding("ctrl-d f9", .deleteSchema, [.schema], hint: "delete", "delete the version", isChange: true),
    ]

    private static let connecting: [KeyBinding] = [
        KeyBinding("enter", .open, [.connectors, .connector], hint: "open", "the connector's tasks; the task, with why it failed"),
        KeyBinding("d", .describe, [.connectors, .connector], hint: "describe", "config, secrets hidden, and why it failed"),
        KeyBinding("n ctrl-n", .newConnector, [.connectors], hint: "new", "create a connector from a file", isChange: true),
        KeyBinding("E", .editConnector, [.connectors, .connector], hint: "edit", "its config in $EDITOR", isChange: true),
        KeyBinding("p", .pauseConnector, [.connectors, .connector], hint: "pause", "pause it with its tasks", isChange: true),
        KeyBinding("u", .resumeConnector, [.connectors, .connector], hint: "resume", "let it go on", isChange: true),
        KeyBinding(
            "s", .stopConnector, [.connectors, .connector], hint: "stop", "stop it: its tasks are gone until it is resumed",
            isChange: true),
        KeyBinding("F", .restartFailed, [.connectors, .connector], hint: "restart failed", "restart what failed of it", isChange: true),
        KeyBinding("R", .restartConnector, [.connectors, .connector], hint: "restart", "restart it and its tasks", isChange: true),
        KeyBinding("T", .restartTask, [.connector], hint: "restart task", "restart the task", isChange: true),
        KeyBinding("ctrl-d f9", .deleteConnector, [.connectors, .connector], hint: "delete", "delete the connector", isChange: true),
    ]

    private static let replicating: [KeyBinding] = [
        KeyBinding("m", .reassign, [.topics, .topic, .partitions], hint: "reassign", "put partitions on other brokers", isChange: true),
        KeyBinding(
            "R", .changeReplication, [.topics, .topic, .partitions], hint: "replicas", "change the replication factor", isChange: true),
        KeyBinding(
            "L", .electLeaders, [.topics, .topic, .partitions], hint: "elect", "elect leaders: the preferred ones, or unclean",
            isChange: true),
        KeyBinding("M", .moveLeader, [.topic, .partitions], hint: "move leader", "another replica leads", isChange: true),
        KeyBinding("D", .drain, [.brokers], hint: "drain", "move leaders, or everything, away from the broker", isChange: true),
        KeyBinding(
            "T", .throttle, [.reassignments, .brokers], hint: "throttle", "change the limit of running reassignments", isChange: true),
        KeyBinding(
            "ctrl-d f9", .cancelReassignment, [.reassignments], hint: "cancel", "cancel the marked ones, or the one selected",
            isChange: true),
        KeyBinding("X", .removeThrottles, [.reassignments], hint: "no throttle", "remove all throttles", isChange: true),
        KeyBinding("p", .pauseMoves, [.reassignments], hint: "pause batches", "pause moves in batches, or let them go on", isChange: true),
        KeyBinding("E", .endMoves, [.reassignments], hint: "end batches", "end moves in batches before the last one", isChange: true),
        KeyBinding("u", .resumeMoves, [.reassignments], "go on with moves in batches that were not finished", isChange: true),
        KeyBinding("f", .letMovesArrive, [.moves], "what is on its way gets there, the rest stays", isChange: true),
        KeyBinding("c", .cancelMoves, [.moves], "what is on its way is cancelled, the rest stays", isChange: true),
        KeyBinding(
            "f", .nextTrouble, [.partitions], hint: "filter by trouble", "offline, under-replicated, min ISR, not preferred, moving"),
        KeyBinding("F", .previousTrouble, [.partitions], "the kind of trouble before"),
    ]

    /// In a menu of their own, so that no fault is one key away.
    private static let breaking: [KeyBinding] = [
        KeyBinding("X", .chaos, [.brokers, .overview], hint: "chaos", "kill, pause, cut off or fill the disk of a broker", isChange: true),
        KeyBinding("k", .chaosKill, [.chaos], "kill it, as by kill -9", isChange: true),
        KeyBinding("r", .chaosRestart, [.chaos], "start it, or restart it cleanly", isChange: true),
        KeyBinding("p", .chaosPause, [.chaos], "pause it, as by SIGSTOP", isChange: true),
        KeyBinding("u", .chaosResume, [.chaos], "resume it", isChange: true),
        KeyBinding("c", .chaosCut, [.chaos], "cut it off from the other brokers", isChange: true),
        KeyBinding("s", .chaosSlowDisk, [.chaos], "slow its disk down", isChange: true),
        KeyBinding("f", .chaosFullDisk, [.chaos], "fill its disk", isChange: true),
        KeyBinding("h", .chaosHeal, [.chaos], "heal its network and its disk", isChange: true),
    ]

    private static let opening: [KeyBinding] = [
        KeyBinding("enter", .open, [.overview], hint: "open", "open what is selected"),
        KeyBinding(
            "enter", .open, [.topics, .topic, .partitions, .reassignments, .quorum, .groups, .group, .brokers, .events, .heat],
            hint: "open",
            "open what is selected"),
        KeyBinding("enter", .open, [.transactions, .transaction, .hanging], hint: "open", "open what is selected"),
        KeyBinding(
            "enter", .open, [.clients], hint: "open", "all that is known of the client; its group or transaction, where inferred"),
        KeyBinding("d", .describe, [.clients], hint: "describe", "all that is known of the client"),
        KeyBinding("f", .foldClients, [.clients], hint: "fold", "a row for each connection, or for each client"),
        KeyBinding("enter", .open, [.contexts, .clusters], hint: "go there", "go to the cluster that is selected"),
        KeyBinding("D", .diffCluster, [.contexts, .clusters], hint: "diff", "topics and settings in which it differs from this cluster"),
        KeyBinding("enter", .open, [.diff], hint: "open", "the topic, where this cluster has it"),
        KeyBinding("enter", .open, [.tail], hint: "message", "open the message"),
        KeyBinding("l", .tail, [.topics, .topic, .partitions, .group, .overview, .why], hint: "tail", "tail the topic live"),
        KeyBinding(
            "d", .describe, [.topics, .topic, .partitions, .reassignments, .quorum, .groups, .group, .brokers, .events, .heat, .clusters],
            hint: "describe", "all that is known of it"),
        KeyBinding(
            "w", .why, [.overview, .topics, .topic, .partitions, .reassignments, .quorum, .groups, .group, .brokers, .heat], hint: "why",
            "why it is as it is: a verdict, what shows it, what to do"),
        KeyBinding("enter", .open, [.why], hint: "open", "open what it is about"),
        KeyBinding("ctrl-s", .save, [.events], hint: "export", "write what is shown to a file, as lines of JSON"),
        KeyBinding("f", .nextMeasure, [.heat], hint: "measure", "traffic, size or lag"),
        KeyBinding("e", .configs, [.topics, .topic, .partitions, .brokers], hint: "configs", "configs of the topic or broker"),
        KeyBinding("x f2", .actions, [.table], "menu of what can be done here"),
    ]

    private static let tailing: [KeyBinding] = [
        KeyBinding("s F", .follow, [.tail], hint: "follow", "follow the end, or stay where you are"),
        KeyBinding("p space", .pause, [.tail], hint: "pause", "stop reading, or go on"),
        KeyBinding("/ f4", .filter, [.tail], hint: "filter", "show messages that match: k: v: h: t: p: o: ts: is: or any; !inverse; | jq"),
        KeyBinding("|", .program, [.tail], hint: "jq", "filter and reshape values with jq: | .amount > 100, | {id}"),
        KeyBinding("n", .nextMatch, [.tail], "next match"), KeyBinding("N", .previousMatch, [.tail], "match before"),
        KeyBinding("&", .showOthers, [.tail], "show what does not match too, or only what does"),
        KeyBinding("e", .editMessage, [.tail], hint: "edit", "the message in $EDITOR; what is changed there can be written"),
        KeyBinding(
            "R", .resend, [.tail], hint: "resend", "write marked messages again, or dead letters to where they came from", isChange: true),
        KeyBinding("u", .newestPerKey, [.tail], "of each key only the newest message"),
        KeyBinding("M", .toggleMasks, [.tail], "show messages without the masks of kastellan.yaml, or with them"),
        KeyBinding("i", .markers, [.tail], "show control records: the ends of transactions"),
        KeyBinding("o", .seek, [.tail], hint: "seek", "start elsewhere: an offset, +10, -100, 2h, @time, 5:10, @-1h:-5m"),
        KeyBinding("0", .fromEnd, [.tail], hint: "live", "start at the end"),
        KeyBinding("1", .fromBeginning, [.tail], hint: "all", "start at the beginning"),
        KeyBinding("2", .from1m, [.tail], "start a minute ago"), KeyBinding("3", .from5m, [.tail], "start 5 minutes ago"),
        KeyBinding("4", .from15m, [.tail], "start 15 minutes ago"), KeyBinding("5", .from1h, [.tail], "start an hour ago"),
        KeyBinding("6", .from24h, [.tail], "start a day ago"),
        KeyBinding("y", .pretty, [.tail], hint: "pretty", "pretty JSON, over several lines"),
        KeyBinding("x", .hex, [.tail], hint: "hex", "values as hexadecimal"),
        KeyBinding("d", .format, [.tail], "take values for MessagePack, for CBOR, or as their bytes are, instead of by their look"),
        KeyBinding("h", .headers, [.tail], hint: "headers", "show headers"),
        KeyBinding("t", .timestamps, [.tail], "show times"), KeyBinding("w", .wrap, [.tail], hint: "wrap", "wrap long lines"),
        KeyBinding("f", .fullscreen, [.tail], "hide everything else"), KeyBinding("m", .mark, [.tail], "mark the message"),
        KeyBinding("ctrl-\\", .clearMarks, [.tail], "clear all marks"),
        KeyBinding("c", .copy, [.tail], "copy the value, or the marked ones"),
        KeyBinding("ctrl-s", .save, [.tail], "save what is shown, or the marked ones: .jsonl, .csv or .raw"),
    ]

    private static let listing: [KeyBinding] = [
        KeyBinding("/ f4", .filter, [.table], hint: "filter", "show rows that match; !inverse, -f fuzzy"),
        KeyBinding("space", .mark, [.table], "mark the row"),
        KeyBinding("ctrl-space v", .markRange, [.table], "mark from the last mark to here"),
        KeyBinding("ctrl-\\", .clearMarks, [.table], "clear all marks"),
        KeyBinding("!", .faultsOnly, [.table], "only what needs attention (changed configs)"),
        KeyBinding("0", .showAll, [.topics], hint: "internal", "show internal topics too"),
        KeyBinding("0", .showAll, [.clients], hint: "nodes", "show the cluster's own nodes too"),
        KeyBinding("shift-left", .sortPrevious, [.table], "sort by the column to the left"),
        KeyBinding("shift-right", .sortNext, [.table], "sort by the column to the right"),
        KeyBinding("O f6", .sortReverse, [.table], "turn the sort round"), KeyBinding("N", .sortName, [.table], "sort by name"),
        KeyBinding("S", .sortState, [.table], "sort by state"), KeyBinding("c", .copy, [.table], "copy the name"),
        KeyBinding("C", .copyRow, [.table], "copy the row"),
        KeyBinding("ctrl-o", .openLink, [.table, .tail, .message], "open a link of kastellan.yaml in the browser, or copy it"),
        KeyBinding("left h", .columnsLeft, [.table], "scroll columns left"),
        KeyBinding("right", .columnsRight, [.table], "scroll columns right"),
        KeyBinding("tab", .otherPanel, [.group, .topic, .brokers, .features, .overview], hint: "next panel", "the next panel"),
        KeyBinding("backtab", .otherPanelBack, [.group, .topic, .brokers, .features, .overview], "the panel before"),
    ]

    private static let reading: [KeyBinding] = [
        KeyBinding("/ f3", .filter, [.text], hint: "search", "search"), KeyBinding("n", .nextMatch, [.text], "next match"),
        KeyBinding("N", .previousMatch, [.text], "match before"), KeyBinding("w", .wrap, [.text], "wrap long lines"),
        KeyBinding("c", .copy, [.text], hint: "copy", "copy the text"),
        KeyBinding("ctrl-s", .save, [.text], hint: "save", "save the text to a file"),
        KeyBinding("x", .hex, [.message], hint: "hex", "the value as hexadecimal"),
        KeyBinding("ctrl-d", .halfDown, [.text, .tail], "half a page down"),
        KeyBinding("ctrl-u", .halfUp, [.text, .tail], "half a page up"),
    ]

    private static let moving: [KeyBinding] = [
        KeyBinding("up k", .up, [.everywhere], "up"), KeyBinding("down j", .down, [.everywhere], "down"),
        KeyBinding("pgup ctrl-b", .pageUp, [.everywhere], "a page up"), KeyBinding("pgdn ctrl-f", .pageDown, [.everywhere], "a page down"),
        KeyBinding("home g", .top, [.everywhere], "to the top"), KeyBinding("end G", .bottom, [.everywhere], "to the bottom"),
    ]

    private static let going: [KeyBinding] = [
        KeyBinding(":", .command, [.everywhere], hint: "command", "command line"),
        KeyBinding("? f1", .help, [.everywhere], hint: "help", "this help"),
        KeyBinding("esc", .back, [.everywhere], "clear the filter, then go back"),
        KeyBinding("q", .leave, [.everywhere], "go back; at the root, ask to quit"),
        KeyBinding("f7", .replayStep, [.replay], "a second of the recording"),
        KeyBinding("f8", .replayPause, [.replay], "stop the recording's time, or go on"),
        KeyBinding("f11", .replaySlower, [.replay], "the recording slower"),
        KeyBinding("f12", .replayFaster, [.replay], "the recording faster"),
        KeyBinding("1", .goOverview, [.browsing], "overview"), KeyBinding("2", .goBrokers, [.browsing], "brokers"),
        KeyBinding("3", .goTopics, [.browsing], "topics"), KeyBinding("4", .goGroups, [.browsing], "groups"),
        KeyBinding("5 t", .goEvents, [.browsing], "events"), KeyBinding("6", .goPartitions, [.browsing], "partitions, by trouble"),
        KeyBinding("7", .goReassignments, [.browsing], "reassignments"), KeyBinding("8", .goQuorum, [.browsing], "metadata quorum"),
        KeyBinding("9", .goHeat, [.browsing], "heat map of partitions by broker"),
        KeyBinding("ctrl-t", .goTransactions, [.browsing], "transactions"), KeyBinding("A", .goAccess, [.browsing], "access rules"),
        KeyBinding("Q", .goQuotas, [.browsing], "quotas"), KeyBinding("U", .goUsers, [.browsing], "users"),
        KeyBinding("%", .goFeatures, [.browsing], "features, and which versions of the APIs the brokers serve"),
        KeyBinding("V", .goClients, [.browsing], "clients: who is connected"),
        KeyBinding("J", .goConnect, [.browsing], "connectors of Kafka Connect"),
        KeyBinding("W", .goSchemas, [.browsing], "schemas: the subjects of the registry"),
        KeyBinding("@", .goContexts, [.browsing], "contexts: other clusters"),
        KeyBinding("*", .goClusters, [.browsing], "clusters: how all of them stand"),
        KeyBinding("<", .stepBack, [.browsing], "a step back in time: the whole screen as it was"),
        KeyBinding(">", .stepForward, [.browsing], "a step forward in time"),
        KeyBinding("{", .leapBack, [.browsing], "ten minutes back in time"),
        KeyBinding("}", .leapForward, [.browsing], "ten minutes forward in time"),
        KeyBinding("\\", .present, [.browsing], "back to now"),
        KeyBinding("=", .compare, [.browsing], "what is different between then and now"),
        KeyBinding("-", .lastView, [.everywhere], "the view before this one"),
        KeyBinding("[", .historyBack, [.everywhere], "back in history"),
        KeyBinding("]", .historyForward, [.everywhere], "forward in history"),
        KeyBinding("r ctrl-r f5", .refresh, [.everywhere], "read everything on the screen now"),
        KeyBinding("ctrl-e", .toggleHeader, [.everywhere], "show or hide the header"),
        KeyBinding("ctrl-g", .toggleCrumbs, [.everywhere], "show or hide the trail"),
        KeyBinding("ctrl-l", .redraw, [.everywhere], "draw the screen anew"),
        KeyBinding("ctrl-z", .suspend, [.everywhere], "suspend to the shell"),
        KeyBinding("ctrl-c f10", .quit, [.everywhere], "quit at once"),
    ]
}
