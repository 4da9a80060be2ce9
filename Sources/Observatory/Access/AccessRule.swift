import Primitives
import Wire

/// One access control entry, as people speak of it.
package struct AccessRule: Equatable, Sendable {
    package var type: ResourceType
    package var name: String
    package var isPrefixed: Bool
    package var principal: String
    package var host: String
    package var operation: AccessOperation
    package var isDenied: Bool

    package init(
        _ type: ResourceType, _ name: String, isPrefixed: Bool = false, principal: String, host: String = "*",
        _ operation: AccessOperation, isDenied: Bool = false
    ) {
        (self.type, self.name, self.isPrefixed) = (type, name, isPrefixed)
        (self.principal, self.host, self.operation, self.isDenied) = (principal, host, operation, isDenied)
    }

    package var pattern: String { isPrefixed ? PatternType.prefixed.text : PatternType.literal.text }
    package var permission: String { isDenied ? PermissionType.deny.text : PermissionType.allow.text }

    /// What a DescribeAcls answer tells; of kinds that nobody here knows nothing.
    package static func all(in answer: DescribeAclsResponse) -> [AccessRule] {
        answer.resources.flatMap { resource -> [AccessRule] in
            guard let type = ResourceType(rawValue: resource.resourceType) else { return [] }
            return resource.acls.compactMap { acl in
                guard let operation = AccessOperation(rawValue: acl.operation) else { return nil }
                return AccessRule(
                    type, resource.resourceName, isPrefixed: resource.patternType == PatternType.prefixed.rawValue,
                    principal: acl.principal, host: acl.host, operation, isDenied: acl.permissionType == PermissionType.deny.rawValue)
            }
        }
    }

    /// The question for all there are.
    package static var question: DescribeAclsRequest {
        var request = DescribeAclsRequest()
        request.resourceTypeFilter = ResourceType.any.rawValue
        request.patternTypeFilter = PatternType.any.rawValue
        request.operation = AccessOperation.any.rawValue
        request.permissionType = PermissionType.any.rawValue
        return request
    }

    var creation: CreateAclsRequest.Creation {
        var creation = CreateAclsRequest.Creation()
        (creation.resourceType, creation.resourceName) = (type.rawValue, name)
        creation.resourcePatternType = (isPrefixed ? PatternType.prefixed : .literal).rawValue
        (creation.principal, creation.host, creation.operation) = (principal, host, operation.rawValue)
        creation.permissionType = (isDenied ? PermissionType.deny : .allow).rawValue
        return creation
    }

    /// A filter that matches this one and no other.
    var filter: DeleteAclsRequest.Filter {
        var filter = DeleteAclsRequest.Filter()
        (filter.resourceTypeFilter, filter.resourceNameFilter) = (type.rawValue, name)
        filter.patternTypeFilter = (isPrefixed ? PatternType.prefixed : .literal).rawValue
        (filter.principalFilter, filter.hostFilter, filter.operation) = (principal, host, operation.rawValue)
        filter.permissionType = (isDenied ? PermissionType.deny : .allow).rawValue
        return filter
    }
}

/// Which rules are meant; nil and empty are all.
package struct AccessSelection: Equatable, Sendable {
    package var type: ResourceType?
    package var name: String?
    package var isPrefixed: Bool?
    package var principal: String?
    package var host: String?
    package var operations: [AccessOperation] = []
    package var isDenied: Bool?

    package init() {}

    package func matches(_ rule: AccessRule) -> Bool {
        guard type == nil || type == rule.type, name == nil || name == rule.name, isPrefixed == nil || isPrefixed == rule.isPrefixed else {
            return false
        }
        guard principal == nil || principal == rule.principal, host == nil || host == rule.host else { return false }
        return (operations.isEmpty || operations.contains(rule.operation)) && (isDenied == nil || isDenied == rule.isDenied)
    }
}

/// Whom a quota is about: names, or with `byDefault` whoever has none of his own.
package struct QuotaSubject: Equatable, Sendable {
    package enum Who: Equatable, Sendable {
        case byDefault
        case named(String)

        package var name: String? { if case .named(let name) = self { name } else { nil } }
    }

    /// In Kafka's order: user, client-id, ip.
    package var parts: [(type: String, who: Who)]

    package init(_ parts: [(type: String, who: Who)]) { self.parts = parts }

    package static func == (a: QuotaSubject, b: QuotaSubject) -> Bool {
        a.parts.map(\.type) == b.parts.map(\.type) && a.parts.map(\.who) == b.parts.map(\.who)
    }

    /// As Kafka's tool says it: `user-principal 'alice', client-id 'app'`.
    package var text: String {
        parts.map { part in
            let type = part.type == "user" ? "user-principal" : part.type
            return part.who.name.map { "\(type) '\($0)'" } ?? "the default \(type)"
        }.joined(separator: ", ")
    }

    /// The question for the quotas of exactly this one.
    var question: DescribeClientQuotasRequest {
        var request = DescribeClientQuotasRequest()
        request.strict = true
        request.components = parts.map { part in
            var component = DescribeClientQuotasRequest.Component()
            (component.entityType, component.matchType, component.match) = (part.type, part.who == .byDefault ? 1 : 0, part.who.name)
            return component
        }
        return request
    }

    func change(_ set: [ConfigValue], _ delete: [String], validateOnly: Bool) -> AlterClientQuotasRequest {
        var entry = AlterClientQuotasRequest.Entry()
        entry.entity = parts.map { part in
            var entity = AlterClientQuotasRequest.Entity()
            (entity.entityType, entity.entityName) = (part.type, part.who.name)
            return entity
        }
        entry.ops = (set.map { ($0.name, Double($0.value)) } + delete.map { ($0, nil) }).map { key, value in
            var operation = AlterClientQuotasRequest.Operation()
            (operation.key, operation.value, operation.remove) = (key, value ?? 0, value == nil)
            return operation
        }
        var request = AlterClientQuotasRequest()
        request.entries = [entry]
        request.validateOnly = validateOnly
        return request
    }
}
