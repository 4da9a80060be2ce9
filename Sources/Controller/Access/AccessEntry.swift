import Primitives
import Wire

/// What access control entries are about: one resource by its name, or with `prefixed` all whose names begin so. A literal `*` is every
/// resource of the type (KIP-290).
package struct ResourcePattern: Hashable, Comparable, Sendable {
    package var type: ResourceType
    package var name: String
    package var patternType: PatternType

    package init(_ type: ResourceType, _ name: String, _ patternType: PatternType = .literal) {
        self.type = type
        self.name = name
        self.patternType = patternType
    }

    /// The name of all resources, the host of all addresses.
    package static let wildcard = "*"

    package static func < (a: ResourcePattern, b: ResourcePattern) -> Bool {
        if a.type != b.type { return a.type.rawValue < b.type.rawValue }
        return a.name == b.name ? a.patternType.rawValue < b.patternType.rawValue : a.name < b.name
    }
}

/// One access control entry: who, from where, may or may not do what, to which resource.
package struct AccessEntry: Hashable, Comparable, Sendable {
    package var pattern: ResourcePattern
    /// As `User:alice`; `User:*` is everybody.
    package var principal: String
    /// A numeric address, or `*`.
    package var host: String
    package var operation: AccessOperation
    package var permission: PermissionType

    package init(
        _ pattern: ResourcePattern, principal: String, host: String = ResourcePattern.wildcard, _ operation: AccessOperation,
        _ permission: PermissionType
    ) {
        self.pattern = pattern
        self.principal = principal
        self.host = host
        self.operation = operation
        self.permission = permission
    }

    package static func < (a: AccessEntry, b: AccessEntry) -> Bool {
        if a.pattern != b.pattern { return a.pattern < b.pattern }
        if a.principal != b.principal { return a.principal < b.principal }
        if a.host != b.host { return a.host < b.host }
        if a.operation != b.operation { return a.operation.rawValue < b.operation.rawValue }
        return a.permission.rawValue < b.permission.rawValue
    }
}

extension AccessEntry {
    /// Nil where the record says something that this version does not know.
    init?(_ record: AccessControlEntryRecord) {
        guard let type = ResourceType(rawValue: record.resourceType), let pattern = PatternType(rawValue: record.patternType),
            let operation = AccessOperation(rawValue: record.operation), let permission = PermissionType(rawValue: record.permissionType),
            pattern == .literal || pattern == .prefixed, permission == .allow || permission == .deny
        else { return nil }
        self.init(
            ResourcePattern(type, record.resourceName, pattern), principal: record.principal, host: record.host, operation, permission)
    }

    func record(_ id: UUID) -> MetadataRecord {
        var record = AccessControlEntryRecord()
        record.id = id
        (record.resourceType, record.resourceName) = (pattern.type.rawValue, pattern.name)
        (record.patternType, record.principal, record.host) = (pattern.patternType.rawValue, principal, host)
        (record.operation, record.permissionType) = (operation.rawValue, permission.rawValue)
        return .accessControlEntry(record)
    }
}

/// Which entries are meant by a question or a deletion. Nil and `any` are all.
package struct AccessFilter: Equatable, Sendable {
    package var type = ResourceType.any
    package var name: String?
    /// `match`: also patterns that a resource of that name falls under.
    package var patternType = PatternType.any
    package var principal: String?
    package var host: String?
    package var operation = AccessOperation.any
    package var permission = PermissionType.any

    package init() {}

    package func matches(_ entry: AccessEntry) -> Bool {
        guard type == .any || type == entry.pattern.type, matchesName(entry.pattern) else { return false }
        guard principal == nil || principal == entry.principal, host == nil || host == entry.host else { return false }
        return (operation == .any || operation == entry.operation) && (permission == .any || permission == entry.permission)
    }

    private func matchesName(_ pattern: ResourcePattern) -> Bool {
        guard patternType == .any || patternType == .match || patternType == pattern.patternType else { return false }
        guard let name else { return true }
        if name == pattern.name { return true }
        guard patternType == .match else { return false }
        if pattern.patternType == .literal { return pattern.name == ResourcePattern.wildcard }
        return pattern.patternType == .prefixed && name.utf8.starts(with: pattern.name.utf8)
    }
}
