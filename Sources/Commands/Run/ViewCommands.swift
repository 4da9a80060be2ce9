import Client
import ClientCore
import Glibc
import Observatory
import Primitives
import Wire

/// `topics list`, `topics describe`, `groups list`, `groups describe`, `get`: pictures of the cluster, printed.
struct ViewCommands {
    let invocation: Invocation
    let reading: ClusterReading

    static func run(_ invocation: Invocation) throws(Failure) -> ExitStatus {
        // The views that do not ask one cluster: none, and all of them.
        if invocation.command == "get", invocation.positionals.first == "contexts" { return ContextsCommand.list(invocation) }
        if invocation.command == "get", invocation.positionals.first == "schemas" {
            return try ViewCommands.repeated(invocation) { () throws(Failure) in _ = try SchemaCommands.get(invocation) }
        }
        if invocation.command == "get", invocation.positionals.first == "connectors" {
            return try ViewCommands.repeated(invocation) { () throws(Failure) in _ = try ConnectCommands.run(invocation) }
        }
        if invocation.command == "get", invocation.positionals.first == "clusters" { return ClustersView(invocation: invocation).run() }
        let commands = ViewCommands(invocation: invocation, reading: ClusterReading(access: try ClusterAccess(invocation)))
        switch invocation.command {
        case "topics list": try commands.topicsList()
        case "topics describe": try commands.topicsDescribe(invocation.positionals, configs: invocation.isSet("--configs"))
        case "groups list": try commands.groupsList()
        case "groups describe": try commands.groupsDescribe()
        default: try commands.getOrWatch()
        }
        return .ok
    }

    func print(_ listing: Listing) {
        let format = OutputFormat(rawValue: invocation.text("--output") ?? "table") ?? .table
        Streams.print(listing.text(format, forTerminal: Streams.isTerminal(Streams.output)))
    }

    private func printNames(_ names: [String]) { Streams.print(names.map { visible($0) + "\n" }.joined()) }

    // MARK: Topics

    private func topicsList() throws(Failure) {
        let pattern = invocation.positionals.first
        let wantsNames = invocation.isSet("--names")
        let snapshot = try reading.read(.topicsOnce) { snapshot in
            wantsNames || snapshot.topics.allSatisfy { $0.value.partitions.isEmpty || $0.value.messages != nil }
        }
        let topics = snapshot.topics.map(\.value).filter { topic in
            (invocation.isSet("--internal") || !topic.isInternal) && (pattern.map { topic.name.contains($0) } ?? true)
        }
        if wantsNames { printNames(topics.map(\.name)) } else { print(SnapshotListings.topics(topics)) }
    }

    private func topicsDescribe(_ names: [String], configs: Bool) throws(Failure) {
        if configs { return try printConfigs(names.map { .topic($0) }, kind: .topic) }
        let screen: Interest.Screen = names.count == 1 ? .topic(names[0]) : .topics
        let snapshot = try reading.read(Interest(screen, visibleTopics: names)) { snapshot in
            let wanted = names.isEmpty ? snapshot.topics.keys : names
            return wanted.allSatisfy { name in
                snapshot.topic(name)?.partitions.allSatisfy { $0.endOffset != nil && $0.startOffset != nil || $0.leader == nil } ?? true
            }
        }
        var topics = snapshot.topics.map(\.value).filter { !$0.isInternal || names.contains($0.name) }
        if !names.isEmpty {
            topics = []
            for name in names {
                guard let topic = snapshot.topic(name) else {
                    throw Failure(.error, "there is no topic \"\(name)\"; `kastellan topics list` shows those there are")
                }
                topics.append(topic)
            }
        }
        print(SnapshotListings.partitions(topics))
    }

    /// Configs are asked for directly: the observer keeps one resource on its screen at a time.
    private func printConfigs(_ resources: [ConfigResource], kind: ConfigResource.Kind) throws(Failure) {
        var wanted = resources
        if wanted.isEmpty {
            let snapshot = try reading.read(.topicsOnce) { _ in true }
            wanted = kind == .topic
                ? snapshot.topics.filter { !$0.value.isInternal }.map { .topic($0.key) } : snapshot.brokers.map { .broker($0.key) }
        }
        var found: [(ConfigResource, ConfigSnapshot)] = []
        for resource in wanted {
            if resource.kind == .topic { _ = try reading.access.partitions(of: resource.name) }
            let snapshot = try reading.read(Interest(.configs(resource))) { $0.configs[resource] != nil }
            if let configs = snapshot.configs[resource] { found.append((resource, configs)) }
        }
        print(SnapshotListings.configs(found))
    }

    // MARK: Groups

    private func groupsList() throws(Failure) {
        let pattern = invocation.positionals.first
        let wantsNames = invocation.isSet("--names")
        let groups = try groups([], detailed: !wantsNames).filter { group in pattern.map { group.id.contains($0) } ?? true }
        if wantsNames { printNames(groups.map(\.id)) } else { print(SnapshotListings.groups(groups)) }
    }

    private func groupsDescribe() throws(Failure) {
        let groups = try groups(invocation.positionals, detailed: true)
        if invocation.isSet("--members") { return print(SnapshotListings.members(groups)) }
        if invocation.isSet("--state") { return print(SnapshotListings.groups(groups)) }
        for group in groups where group.members.isEmpty && !invocation.positionals.isEmpty {
            Streams.complain("group \(group.id) has no active members")
        }
        print(SnapshotListings.lag(groups))
    }

    /// The groups of these names, or all; read until their commits and ends are known.
    private func groups(_ names: [String], detailed: Bool) throws(Failure) -> [GroupSnapshot] {
        let screen: Interest.Screen = names.count == 1 ? .group(names[0]) : .groups
        let snapshot = try reading.read(Interest(screen, visibleGroups: names)) { snapshot in
            guard snapshot.observations.groups.time != nil || snapshot.observations.groups.error != nil else { return false }
            guard detailed else { return true }
            let wanted = names.isEmpty ? snapshot.groups.map(\.value) : names.compactMap { snapshot.group($0) }
            return wanted.allSatisfy { group in
                group.error != nil || !GroupSnapshot.readableTypes.contains(group.type)
                    || group.offsetsObservation.time != nil && group.partitions.allSatisfy { $0.end != nil || $0.error != nil }
            }
        }
        if let error = snapshot.observations.groups.error { throw Failure(.error, "the groups cannot be listed: \(error)") }
        guard !names.isEmpty else { return snapshot.groups.map(\.value) }
        var found: [GroupSnapshot] = []
        for name in names {
            guard let group = snapshot.group(name) else {
                throw Failure(.error, "there is no group \"\(name)\"; `kastellan groups list` shows those there are")
            }
            found.append(group)
        }
        return found
    }

    // MARK: Views

    /// With `--watch` for ever: over what was there on a terminal, one after the other in a pipe. A cluster that is away for a while is
    /// complained of, and read again.
    private func getOrWatch() throws(Failure) {
        if invocation.positionals[0] == "events" { return try EventViews(access: reading.access, invocation: invocation).run() }
        _ = try ViewCommands.repeated(invocation) { () throws(Failure) in try get() }
    }

    private static func repeated(_ invocation: Invocation, _ show: () throws(Failure) -> Void) throws(Failure) -> ExitStatus {
        guard invocation.isSet("--watch") else {
            try show()
            return .ok
        }
        let isTerminal = Streams.isTerminal(Streams.output)
        while true {
            if isTerminal { Streams.print("\u{1B}[H\u{1B}[2J") }
            do throws(Failure) {
                try show()
            } catch {
                guard [.unreachable, .timeout].contains(error.status) else { throw error }
                Streams.complain(error.message)
            }
            if Streams.outputIsBroken { return .ok }
            usleep(UInt32((invocation.integer("--refresh") ?? 2) * 1_000_000))
        }
    }

    private func get() throws(Failure) {
        let name = invocation.positionals.count > 1 ? invocation.positionals[1] : nil
        let names = name.map { [$0] } ?? []
        switch invocation.positionals[0] {
        case "overview":
            print(SnapshotListings.overview(try reading.read(Interest(.overview)) { $0.observations.groups.time != nil }))
        case "brokers":
            let snapshot = try reading.read(Interest(.brokers)) { $0.brokers.allSatisfy { !$0.value.isAlive || $0.value.disk != nil } }
            print(SnapshotListings.brokers(snapshot))
        case "quorum": try quorum()
        case "reassignments":
            print(SnapshotListings.reassignments(try reading.read(Interest(.reassignments)) { $0.hasReassignments }))
        case "replicas": try replicas(names)
        case "partitions" where !troubles.isEmpty: try troubledPartitions(name)
        case "topics": try topicsList(named: name)
        case "partitions": try topicsDescribe(names, configs: false)
        case "groups": print(SnapshotListings.groups(try groups(names, detailed: true)))
        case "members": print(SnapshotListings.members(try groups(names, detailed: true)))
        case "lag": print(SnapshotListings.lag(try groups(names, detailed: true)))
        case "transactions": print(try TransactionViews(invocation: invocation, access: reading.access).list())
        case "acls": print(try AccessViews(invocation: invocation, access: reading.access).rules())
        case "quotas": print(try AccessViews(invocation: invocation, access: reading.access).quotas())
        case "apis": print(try VersionViews(access: reading.access).apis())
        case "features": print(try VersionViews(access: reading.access).features())
        case "hanging", "users": try adminView()
        case "why": try why(name)
        case "heat": try heat(name)
        case "clients": try clients(name)
        case "alerts": try alerts()
        default: try printConfigs(names.map { Int32($0) == nil ? .topic($0) : ConfigResource(.broker, $0) }, kind: .topic)
        }
    }

    private func topicsList(named name: String?) throws(Failure) {
        let snapshot = try reading.read(.topicsOnce) { snapshot in
            snapshot.topics.allSatisfy { $0.value.partitions.isEmpty || $0.value.messages != nil }
        }
        let topics = snapshot.topics.map(\.value).filter { topic in
            if let name { topic.name == name } else { !topic.isInternal }
        }
        print(SnapshotListings.topics(topics))
    }
}
