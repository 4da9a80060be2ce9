import ClientCore
import Primitives
import Wire

// What steps about access, quotas and features send, and what must be true after them.
extension PlanStep {
    static func add(_ rules: [AccessRule]) -> ClientRequest {
        var request = CreateAclsRequest()
        request.creations = rules.map(\.creation)
        return ClientRequest(request, to: .controller, timeoutMs: PlanLimits.requestMs)
    }

    static func remove(_ rules: [AccessRule]) -> ClientRequest {
        var request = DeleteAclsRequest()
        request.filters = rules.map(\.filter)
        return ClientRequest(request, to: .controller, timeoutMs: PlanLimits.requestMs)
    }

    static func feature(_ name: String, _ level: Int16, _ isDowngrade: Bool, _ validateOnly: Bool) -> ClientRequest {
        var update = UpdateFeaturesRequest.FeatureUpdate()
        (update.feature, update.maxVersionLevel, update.upgradeType) = (name, level, isDowngrade ? 2 : 1)
        var request = UpdateFeaturesRequest()
        request.featureUpdates = [update]
        request.validateOnly = validateOnly
        request.timeoutMs = PlanLimits.brokerMs
        return ClientRequest(request, to: .controller, timeoutMs: PlanLimits.requestMs, versions: 1...2)
    }

    /// How the cluster differs from what the step was to make of it, in sentences.
    func accessDifferences(_ facts: PlanFacts) -> [String] {
        switch self {
        case .addAccess(let rules):
            return rules.filter { !facts.access.contains($0) }.map { "\($0.principal) on \($0.name): the rule is not there." }
        case .removeAccess(let rules):
            return rules.filter(facts.access.contains).map { "\($0.principal) on \($0.name): the rule is still there." }
        case .alterQuota(_, let set, let delete):
            return set.filter { facts.quotas[$0.name] != Double($0.value) }.map { "\($0.name) is not \($0.value)." }
                + delete.filter { facts.quotas[$0] != nil }.map { "\($0) is still set." }
        case .setFeature(let name, let level, _):
            let found = facts.features[name] ?? 0
            return found == level ? [] : ["\(name) is at \(found), not \(level)."]
        default: return []
        }
    }

    /// What was done, in a sentence; empty of other steps.
    var accessDone: [String] {
        switch self {
        case .addAccess(let rules): ["Created \(PlanTables.count(rules.count, "access rule"))."]
        case .removeAccess(let rules): ["Removed \(PlanTables.count(rules.count, "access rule"))."]
        case .alterQuota(let subject, _, _): ["Changed the quotas of \(subject.text)."]
        case .setFeature(let name, let level, _): ["\(name) is at \(level)."]
        default: []
        }
    }
}
