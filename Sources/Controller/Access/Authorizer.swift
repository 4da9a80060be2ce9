import Primitives
import Wire

/// Who asks for something: the principal and the address it speaks from.
package struct AccessSubject: Equatable, Sendable {
    package var principal: Principal
    package var host: String

    package init(_ principal: Principal, host: String) {
        self.principal = principal
        self.host = host
    }
}

/// Kafka's standard authorizer (KIP-801): a denial anywhere decides; else one allowing entry is needed. An entry is about the resource's
/// name, every name (`*`) or a prefix; of its principal or `User:*`; from its address or `*`.
package struct Authorizer: Equatable, Sendable {
    /// `super.users`: all is allowed to them.
    package var superUsers: Set<String>
    /// `allow.everyone.if.no.acl.found`: what no entry mentions is allowed.
    package var allowsUnmentioned: Bool

    package init(superUsers: Set<String>, allowsUnmentioned: Bool) {
        self.superUsers = superUsers
        self.allowsUnmentioned = allowsUnmentioned
    }

    /// As the settings say; nil where no authorizer is set, and all is allowed.
    package init?(_ config: BrokerConfig) {
        guard Authorizer.classNames.contains(config.text("authorizer.class.name") ?? "") else { return nil }
        superUsers = Set((config.text("super.users") ?? "").split(separator: ";").map { trim(String($0)) }.filter { !$0.isEmpty })
        allowsUnmentioned = config.boolean("allow.everyone.if.no.acl.found")
    }

    /// The one authorizer there is, by the name that Kafka's settings have for it.
    package static let classNames: Set<String> = ["org.apache.kafka.metadata.authorizer.StandardAuthorizer"]
    static let everyone = "User:*"

    package func isAllowed(
        _ operation: AccessOperation, _ type: ResourceType, _ name: String, _ subject: AccessSubject, _ list: AccessList
    ) -> Bool {
        let principal = subject.principal.description
        if superUsers.contains(principal) { return true }
        var isAllowed = false
        var isDenied = false
        let isMentioned = list.visit(type, name, of: principals(principal)) { entries in
            for entry in entries where isMeant(entry, operation, subject.host) {
                if entry.permission == .deny {
                    isDenied = true
                    return false
                }
                isAllowed = true
            }
            return true
        }
        if isDenied { return false }
        return isAllowed || (allowsUnmentioned && !isMentioned)
    }

    /// Whether there may be any resource of the type to which this is allowed (KIP-679): an allowing entry that no denial covers whole.
    package func isAllowedAnywhere(
        _ operation: AccessOperation, _ type: ResourceType, _ subject: AccessSubject, _ list: AccessList
    ) -> Bool {
        // Of no resource there is, so that super users and what nobody mentions come out by the ordinary rule.
        if isAllowed(operation, type, "hardcode", subject, list) { return true }
        let known = principals(subject.principal.description)
        let entries = list.entries.values.filter {
            $0.pattern.type == type && known.contains($0.principal) && ($0.operation == operation || $0.operation == .all)
                && ($0.host == subject.host || $0.host == ResourcePattern.wildcard)
        }
        let denied = entries.filter { $0.permission == .deny }.map(\.pattern)
        if denied.contains(ResourcePattern(type, ResourcePattern.wildcard)) { return false }
        return entries.contains { entry in
            guard entry.permission == .allow else { return false }
            if entry.pattern == ResourcePattern(type, ResourcePattern.wildcard) { return true }
            return !denied.contains { $0 == entry.pattern || $0.coversPrefix(of: entry.pattern) }
        }
    }

    private func principals(_ own: String) -> [String] { own == Authorizer.everyone ? [own] : [own, Authorizer.everyone] }

    /// Whether an entry speaks of this. To allow reading, writing, deleting or altering allows describing too; to deny
    /// them does not deny it.
    private func isMeant(_ entry: AccessEntry, _ operation: AccessOperation, _ host: String) -> Bool {
        guard entry.host == ResourcePattern.wildcard || entry.host == host else { return false }
        if entry.operation == .all || entry.operation == operation { return true }
        guard entry.permission == .allow else { return false }
        switch operation {
        case .describe: return [.read, .write, .delete, .alter].contains(entry.operation)
        case .describeConfigs: return entry.operation == .alterConfigs
        default: return false
        }
    }
}

extension ResourcePattern {
    /// Whether all that falls under the other falls under this prefix.
    fileprivate func coversPrefix(of other: ResourcePattern) -> Bool {
        patternType == .prefixed && other.name.utf8.starts(with: name.utf8)
    }
}
