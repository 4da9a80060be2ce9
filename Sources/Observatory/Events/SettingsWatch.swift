import ClientCore
import Primitives
import Wire

// Access rules, quotas, users and settings that change while the timeline is watched: asked for now and then, in small parts, and told by
// their difference. What a cluster does not let us read is not asked for again, but by the view that shows it.
extension Observer {
    /// Of so many rounds one asks, and not one of the first.
    static let settingsEvery = 15
    private static let settingsAt = 8
    /// Topics whose settings are read at a time; the others follow.
    static let overridesMax = 100
    static let brokersMax = 20

    mutating func askChanges(_ effects: inout Effects) {
        guard interest.screen == .overview || interest.screen == .events, let number = round?.number,
            number % Observer.settingsEvery == Observer.settingsAt
        else { return }
        if mayRead(snapshot.admin.accessSeen) { send(AccessRule.question, to: .any, .access, &effects) }
        if mayRead(snapshot.admin.quotasSeen) { send(DescribeClientQuotasRequest(), to: .any, .quotas, &effects) }
        if mayRead(snapshot.admin.usersSeen) {
            var request = DescribeUserScramCredentialsRequest()
            request.users = nil
            send(request, to: .any, .users, &effects)
        }
        let names = snapshot.topics.keys
        guard !names.isEmpty else { return }
        let start = names.firstIndexSorted(after: overridesCursor)
        let wanted = (0..<min(names.count, Observer.overridesMax)).map { names[(start + $0) % names.count] }
        overridesCursor = wanted.last ?? ""
        askOverrides(wanted.map { .topic($0) }, of: .any, &effects)
        for (id, broker) in snapshot.brokers.prefix(Observer.brokersMax) where broker.isAlive {
            askOverrides([.broker(id)], of: .broker(id), &effects)
        }
    }

    private func mayRead(_ seen: Observation) -> Bool { seen.error == nil || seen.time != nil }

    private mutating func askOverrides(_ resources: [ConfigResource], of target: RequestTarget, _ effects: inout Effects) {
        var request = describeConfigsRequest(resources)
        (request.includeSynonyms, request.includeDocumentation) = (false, false)
        send(request, to: target, .overrides, &effects)
    }
}

extension ClusterSnapshot {
    /// What was set of each resource; defaults and what stands in a broker's file are nobody's change.
    mutating func foldOverrides(_ answer: DescribeConfigsResponse) {
        for result in answer.results where result.errorCode == .none {
            guard let kind = ConfigResource.Kind(rawValue: result.resourceType) else { continue }
            let entries = result.configs.map { ConfigSnapshot.Entry($0) }
            let set = entries.filter { $0.isOverride || $0.source == .dynamicDefaultBroker }
                .map { ConfigValue($0.name, $0.isSensitive ? "(hidden)" : $0.value ?? "") }.sorted { $0.name < $1.name }
            admin.overrides[ConfigResource(kind, result.resourceName)] = set
        }
        admin.overrides.removeAll { resource, _ in resource.kind == .topic && topics[resource.name] == nil }
    }
}

extension EventInference {
    mutating func compareAdmin() {
        let (before, after) = (old.admin, new.admin)
        if isNews(before.accessSeen, after.accessSeen) { compareAccess(before.access, after.access) }
        if isNews(before.quotasSeen, after.quotasSeen) { compareQuotas(before, after) }
        if isNews(before.usersSeen, after.usersSeen) { compareUsers(before.users, after.users) }
        for (resource, set) in after.overrides {
            // A view that shows them tells of each key by itself.
            guard let was = before.overrides[resource], was != set, old.configs[resource]?.entries == new.configs[resource]?.entries else {
                continue
            }
            for value in set where !was.contains(value) {
                add(changed(resource, value.name, was.first { $0.name == value.name }?.value, value.value))
            }
            for value in was where !set.contains(where: { $0.name == value.name }) { add(changed(resource, value.name, value.value, nil)) }
        }
    }

    private func changed(_ resource: ConfigResource, _ key: String, _ from: String?, _ to: String?) -> ClusterEvent.Kind {
        .configChanged(resource: resource.text, key: key, from: from, to: to)
    }

    private func isNews(_ before: Observation, _ after: Observation) -> Bool { before.time != nil && after.time != before.time }

    private mutating func compareAccess(_ before: [AccessRule], _ after: [AccessRule]) {
        let (was, now) = (Set(before.map(\.identity)), Set(after.map(\.identity)))
        func change(_ rule: AccessRule, isAdded: Bool) {
            add(.accessChanged(principal: rule.principal, rule: rule.words, isAdded: isAdded))
        }
        for rule in before where !now.contains(rule.identity) { change(rule, isAdded: false) }
        for rule in after where !was.contains(rule.identity) { change(rule, isAdded: true) }
    }

    private mutating func compareQuotas(_ before: AdminSnapshot, _ after: AdminSnapshot) {
        func changes(_ subject: QuotaSubject) {
            let (was, now) = (before.quota(subject)?.values ?? OrderedMap(), after.quota(subject)?.values ?? OrderedMap())
            for key in (was.keys + now.keys).uniqued() where was[key] != now[key] {
                add(.quotaChanged(entity: subject.text, key: key, from: was[key].map { "\($0)" }, to: now[key].map { "\($0)" }))
            }
        }
        for quota in before.quotas { changes(quota.subject) }
        for quota in after.quotas where before.quota(quota.subject) == nil { changes(quota.subject) }
    }

    private mutating func compareUsers(_ before: [ScramUserSnapshot], _ after: [ScramUserSnapshot]) {
        func ways(_ users: [ScramUserSnapshot]) -> [(String, String)] {
            users.flatMap { user in user.credentials.map { (user.name, $0.mechanism) } }
        }
        let (was, now) = (ways(before), ways(after))
        for way in was where !now.contains(where: { $0 == way }) { add(.userChanged(user: way.0, mechanism: way.1, isAdded: false)) }
        for way in now where !was.contains(where: { $0 == way }) { add(.userChanged(user: way.0, mechanism: way.1, isAdded: true)) }
    }
}

extension AccessRule {
    /// "allow READ on topic orders from *".
    var words: String {
        let name = isOfCluster ? "the cluster" : "\(resourceText) \(isPrefixed ? "\(name)…" : name)"
        return "\(isDenied ? "deny" : "allow") \(operationText) on \(name) from \(host)"
    }
}
