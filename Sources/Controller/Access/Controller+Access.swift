import Primitives
import Wire

/// CreateAcls and DeleteAcls: each entry and each filter by itself.
extension Controller {
    /// Entries that exist already are as good as created; their ids stay.
    package func decideCreateAcls(_ request: CreateAclsRequest, random: inout PRNG) -> Decision<CreateAclsResponse> {
        var decision = Decision(response: CreateAclsResponse())
        var created: Set<AccessEntry> = []
        for creation in request.creations {
            var result = CreateAclsResponse.Result()
            // Kafka tells an empty message, not none, of what went well.
            result.errorMessage = ""
            do throws(APIFailure) {
                let entry = try checkedEntry(creation)
                if !image.access.contains(entry), created.insert(entry).inserted {
                    decision.records.append(entry.record(UUID.random(&random)))
                }
            } catch {
                (result.errorCode, result.errorMessage) = (error.code, error.message)
            }
            decision.response.results.append(result)
        }
        return decision
    }

    private func checkedEntry(_ creation: CreateAclsRequest.Creation) throws(APIFailure) -> AccessEntry {
        let type = ResourceType(rawValue: creation.resourceType) ?? .unknown
        let pattern = PatternType(rawValue: creation.resourcePatternType) ?? .unknown
        let operation = AccessOperation(rawValue: creation.operation) ?? .unknown
        let permission = PermissionType(rawValue: creation.permissionType) ?? .unknown
        if type == .cluster, creation.resourceName != ResourceType.clusterName {
            throw APIFailure(.invalidRequest, "The only valid name for the CLUSTER resource is \(ResourceType.clusterName)")
        }
        if creation.resourceName.isEmpty { throw APIFailure(.invalidRequest, "Invalid empty resource name") }
        if type == .unknown || type == .any { throw APIFailure(.invalidRequest, "Invalid resourceType \(type.text)") }
        guard pattern == .literal || pattern == .prefixed else {
            throw APIFailure(.invalidRequest, "Invalid patternType \(pattern.text)")
        }
        if operation == .unknown || operation == .any { throw APIFailure(.invalidRequest, "Invalid operation \(operation.text)") }
        guard permission == .allow || permission == .deny else {
            throw APIFailure(.invalidRequest, "Invalid permissionType \(permission.text)")
        }
        guard creation.principal.contains(":") else {
            throw APIFailure(
                .invalidRequest,
                "Could not parse principal from `\(creation.principal)` (no colon is present separating the principal type from the "
                    + "principal name)")
        }
        return AccessEntry(
            ResourcePattern(type, creation.resourceName, pattern), principal: creation.principal, host: creation.host, operation,
            permission)
    }

    /// Each filter tells all that it matches; what two filters match is removed once.
    package func decideDeleteAcls(_ request: DeleteAclsRequest) -> Decision<DeleteAclsResponse> {
        var decision = Decision(response: DeleteAclsResponse())
        var removed: Set<UUID> = []
        for filter in request.filters {
            var result = DeleteAclsResponse.FilterResult()
            for entry in image.access.matching(AccessFilter(filter)) {
                guard let id = image.access.id(of: entry) else { continue }
                result.matchingAcls.append(DeleteAclsResponse.MatchingACL(entry))
                guard removed.insert(id).inserted else { continue }
                var record = RemoveAccessControlEntryRecord()
                record.id = id
                decision.records.append(.removeAccessControlEntry(record))
            }
            decision.response.filterResults.append(result)
        }
        return decision
    }
}

extension ClusterImage {
    /// The entries that a filter matches, by their patterns, as DescribeAcls answers.
    package func describedAccess(_ filter: AccessFilter) -> [DescribeAclsResponse.Resource] {
        var resources: [DescribeAclsResponse.Resource] = []
        for entry in access.matching(filter) {
            let pattern = entry.pattern
            let isSame = resources.last.map {
                $0.resourceType == pattern.type.rawValue && $0.resourceName == pattern.name
                    && $0.patternType == pattern.patternType.rawValue
            }
            if isSame != true {
                var resource = DescribeAclsResponse.Resource()
                (resource.resourceType, resource.resourceName) = (pattern.type.rawValue, pattern.name)
                resource.patternType = pattern.patternType.rawValue
                resources.append(resource)
            }
            var row = DescribeAclsResponse.ACL()
            (row.principal, row.host) = (entry.principal, entry.host)
            (row.operation, row.permissionType) = (entry.operation.rawValue, entry.permission.rawValue)
            resources[resources.count - 1].acls.append(row)
        }
        return resources
    }
}

extension AccessFilter {
    package init(_ filter: DeleteAclsRequest.Filter) {
        type = ResourceType(rawValue: filter.resourceTypeFilter) ?? .unknown
        patternType = PatternType(rawValue: filter.patternTypeFilter) ?? .unknown
        operation = AccessOperation(rawValue: filter.operation) ?? .unknown
        permission = PermissionType(rawValue: filter.permissionType) ?? .unknown
        (name, principal, host) = (filter.resourceNameFilter, filter.principalFilter, filter.hostFilter)
    }

    package init(_ request: DescribeAclsRequest) {
        type = ResourceType(rawValue: request.resourceTypeFilter) ?? .unknown
        patternType = PatternType(rawValue: request.patternTypeFilter) ?? .unknown
        operation = AccessOperation(rawValue: request.operation) ?? .unknown
        permission = PermissionType(rawValue: request.permissionType) ?? .unknown
        (name, principal, host) = (request.resourceNameFilter, request.principalFilter, request.hostFilter)
    }

    /// Whether it asks for something that no version of the protocol knows: Kafka cannot read such a request, and closes the connection.
    package var isUnknown: Bool {
        type == .unknown || patternType == .unknown || operation == .unknown || permission == .unknown
    }
}

extension DeleteAclsResponse.MatchingACL {
    init(_ entry: AccessEntry) {
        self.init()
        (resourceType, resourceName) = (entry.pattern.type.rawValue, entry.pattern.name)
        (patternType, principal, host) = (entry.pattern.patternType.rawValue, entry.principal, entry.host)
        (operation, permissionType) = (entry.operation.rawValue, entry.permission.rawValue)
    }
}
