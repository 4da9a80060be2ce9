import Client
import ClientCore
import Observatory
import Primitives
import Wire

/// `acls list`, `quotas list`, `users list`, `features describe`, `log-dirs`: asked and printed.
struct AccessViews {
    let invocation: Invocation
    let access: ClusterAccess

    static func run(_ invocation: Invocation) throws(Failure) -> ExitStatus {
        let views = AccessViews(invocation: invocation, access: try ClusterAccess(invocation))
        let listing: Listing
        switch invocation.command {
        case "acls list": listing = try views.rules()
        case "quotas list": listing = try views.quotas()
        case "users list": listing = try views.users()
        case "features describe": listing = try views.features()
        default: listing = try views.directories()
        }
        let format = OutputFormat(rawValue: invocation.text("--output") ?? "table") ?? .table
        Streams.print(listing.text(format, forTerminal: Streams.isTerminal(Streams.output)))
        return .ok
    }

    func rules() throws(Failure) -> Listing {
        let selection = try PlanActions.selection(invocation)
        var listing = Listing([
            .init("RESOURCE", "resourceType"), .init("NAME", "name"), .init("PATTERN", "patternType"), .init("PRINCIPAL", "principal"),
            .init("HOST", "host"), .init("OPERATION", "operation"), .init("PERMISSION", "permissionType"),
        ])
        for rule in try access.accessRules() where selection.matches(rule) {
            listing.add(
                [rule.type.text, rule.name, rule.pattern, rule.principal, rule.host, rule.operation.text, rule.permission].map(JSON.string))
        }
        return listing
    }

    func quotas() throws(Failure) -> Listing {
        var request = DescribeClientQuotasRequest()
        request.components = try PlanActions.subject(invocation).parts.map { part in
            var component = DescribeClientQuotasRequest.Component()
            (component.entityType, component.matchType, component.match) = (part.type, part.who == .byDefault ? 1 : 0, part.who.name)
            return component
        }
        let answer = try access.ask(request)
        if answer.errorCode.isError { throw access.failure(.kafka(answer.errorCode, message: answer.errorMessage)) }
        var listing = Listing([.init("ENTITY", "entity"), .init("QUOTA", "quota"), .init("VALUE", "value", right: true)])
        for entry in answer.entries ?? [] {
            let subject = QuotaSubject(entry.entity.map { ($0.entityType, $0.entityName.map { .named($0) } ?? .byDefault) })
            for value in entry.values { listing.add([.string(subject.text), .string(value.key), .string("\(value.value)")]) }
        }
        return listing
    }

    private func users() throws(Failure) -> Listing {
        var request = DescribeUserScramCredentialsRequest()
        request.users = nil
        let answer = try access.ask(request, to: .controller)
        if answer.errorCode.isError { throw access.failure(.kafka(answer.errorCode, message: answer.errorMessage)) }
        return SnapshotListings.users(ScramUserSnapshot.all(in: answer))
    }

    private func features() throws(Failure) -> Listing {
        var request = ApiVersionsRequest()
        (request.clientSoftwareName, request.clientSoftwareVersion) = ("kastellan", "1")
        let answer = try access.ask(request)
        if answer.errorCode.isError { throw access.failure(.kafka(answer.errorCode, message: nil)) }
        var listing = Listing([
            .init("FEATURE", "feature"), .init("SUPPORTED-MIN", "supportedMinVersion", right: true),
            .init("SUPPORTED-MAX", "supportedMaxVersion", right: true), .init("FINALIZED", "finalizedVersionLevel", right: true),
            .init("EPOCH", "epoch", right: true),
        ])
        for feature in answer.supportedFeatures.sorted(by: { $0.name < $1.name }) {
            let level = answer.finalizedFeatures.first { $0.name == feature.name }?.maxVersionLevel ?? 0
            listing.add([
                .string(feature.name), .number(Int64(feature.minVersion)), .number(Int64(feature.maxVersion)), .number(Int64(level)),
                .number(answer.finalizedFeaturesEpoch),
            ])
        }
        return listing
    }

    private func directories() throws(Failure) -> Listing {
        let cluster = try access.ask(DescribeClusterRequest())
        let existing = cluster.brokers.map(\.brokerID).sorted()
        let wanted = invocation.integers("--broker").map { Int32($0) }
        let unknown = wanted.filter { !existing.contains($0) }
        if !unknown.isEmpty {
            let words = unknown.map(String.init).joined(separator: ","), there = existing.map(String.init).joined(separator: ",")
            throw Failure(.error, "there is no broker \(words); there are \(there)")
        }
        var listing = Listing([
            .init("BROKER", "broker", right: true), .init("DIRECTORY", "logDir"), .init("PARTITION", "partition"),
            .init("SIZE", "size", right: true), .init("OFFSET-LAG", "offsetLag", right: true),
        ])
        for broker in wanted.isEmpty ? existing : wanted {
            var request = DescribeLogDirsRequest()
            request.topics = nil
            let answer = try access.ask(request, to: .broker(BrokerID(broker)))
            if answer.errorCode.isError { throw access.failure(.kafka(answer.errorCode, message: nil)) }
            for directory in answer.results { add(directory, of: broker, to: &listing) }
        }
        return listing
    }

    private func add(_ directory: DescribeLogDirsResponse.Result, of broker: Int32, to listing: inout Listing) {
        let topics = directory.topics.filter { invocation.positionals.isEmpty || invocation.positionals.contains($0.name) }
        for topic in topics.sorted(by: { $0.name < $1.name }) {
            for partition in topic.partitions.sorted(by: { $0.partitionIndex < $1.partitionIndex }) {
                listing.add([
                    .number(Int64(broker)), .string(directory.logDir),
                    .string(TopicPartition(topic.name, partition.partitionIndex).description), .number(partition.partitionSize),
                    .number(partition.offsetLag),
                ])
            }
        }
    }
}

extension ClusterAccess {
    /// All access rules there are.
    func accessRules() throws(Failure) -> [Observatory.AccessRule] {
        let answer = try ask(Observatory.AccessRule.question)
        if answer.errorCode.isError { throw failure(.kafka(answer.errorCode, message: answer.errorMessage)) }
        return Observatory.AccessRule.all(in: answer)
    }
}
