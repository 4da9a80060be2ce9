import Client
import ClientCore
import Observatory
import Primitives
import Settings
import Wire

/// `kastellan diff`: the topics and settings in which two clusters differ.
enum DiffCommand {
    /// Topics whose configs are asked for at once.
    private static let topicsPerRequest = 200

    static func run(_ invocation: Invocation) throws(Failure) -> ExitStatus {
        let here = try ClientSettings(invocation)
        let there = try other(invocation.positionals[0], invocation)
        let names = Array(invocation.positionals.dropFirst())
        let timeoutMs = invocation.integer("--timeout") ?? ClusterAccess.defaultTimeoutMs
        var found: [ClusterSettings] = []
        for settings in [here, there] {
            let access = ClusterAccess(
                client: ClusterClient(
                    bootstrap: settings.bootstrap, clientID: "kastellan", requestTimeoutMs: timeoutMs,
                    connectTimeoutMs: min(timeoutMs, 5_000), security: settings.security),
                addresses: settings.bootstrap, timeoutMs: timeoutMs, gate: settings.gate(), context: settings.context?.name)
            defer { access.client.stop() }
            found.append(try read(access, names, withInternal: invocation.isSet("--internal")))
        }
        for name in names where found.allSatisfy({ $0.topics[name] == nil }) {
            throw Failure(.error, "there is no topic \"\(name)\" in either cluster")
        }
        let differences = ClusterSettings.differences(found[0], found[1], only: names)
        var listing = Listing([
            .init("TOPIC", "topic"), .init("SETTING", "setting"), .init(visible(here.name), "here"), .init(visible(there.name), "there"),
        ])
        for one in differences {
            listing.add([
                one.topic.map { .string($0) } ?? .null, .string(one.setting), one.here.map { .string($0) } ?? .null,
                one.there.map { .string($0) } ?? .null,
            ])
        }
        let format = OutputFormat(rawValue: invocation.text("--output") ?? "table") ?? .table
        if differences.isEmpty, format == .table {
            Streams.print("no differences in \(names.isEmpty ? "topics and settings" : "what was named")\n")
        } else {
            Streams.print(listing.text(format, forTerminal: Streams.isTerminal(Streams.output)))
        }
        return differences.isEmpty || !invocation.isSet("--exit-code") ? .ok : .error
    }

    /// A context by its name, or an address.
    private static func other(_ text: String, _ invocation: Invocation) throws(Failure) -> ClientSettings {
        let file = invocation.text("--other-command-config")
        if file != nil || ServerAddress.list(text) != nil && text.contains(":") {
            return try ClientSettings(try ConnectionSource(file: file), override: text)
        }
        return try ClientSettings(try ConnectionSource(context: text))
    }

    static func read(_ access: ClusterAccess, _ names: [String], withInternal: Bool) throws(Failure) -> ClusterSettings {
        var request = MetadataRequest()
        request.topics = nil
        request.allowAutoTopicCreation = false
        var settings = ClusterSettings(try access.ask(request), withInternal: withInternal || !names.isEmpty)
        let wanted = names.isEmpty ? settings.topics.keys : names.filter { settings.topics[$0] != nil }
        for start in stride(from: 0, to: wanted.count, by: topicsPerRequest) {
            settings.take(try configs(access, wanted[start..<min(start + topicsPerRequest, wanted.count)].map { (2, $0) }))
        }
        // The broker without a name: what holds for all of them.
        if names.isEmpty { settings.take(try configs(access, [(4, "")])) }
        return settings
    }

    private static func configs(_ access: ClusterAccess, _ resources: [(Int8, String)]) throws(Failure) -> DescribeConfigsResponse {
        var request = DescribeConfigsRequest()
        request.resources = resources.map { type, name in
            var resource = DescribeConfigsRequest.Resource()
            (resource.resourceType, resource.resourceName, resource.configurationKeys) = (type, name, nil)
            return resource
        }
        return try access.ask(request)
    }
}
