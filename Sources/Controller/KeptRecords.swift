import Primitives
import Wire

/// Metadata that this build has no use for, such as ACLs, quotas and credentials, but must not lose: a snapshot takes the place of the log
/// it was read from, and a later version, or Kafka itself, may want it. One record for each thing; of kinds that are not described, all in
/// their order.
package struct KeptRecords: Equatable, Sendable {
    private(set) var records: OrderedMap<String, MetadataRecord> = OrderedMap()
    private var opaque: [MetadataRecord] = []

    package var count: Int { records.count + opaque.count }
    /// In an order that depends on nothing but what they are.
    package var all: [MetadataRecord] { records.values + opaque }

    mutating func apply(_ record: MetadataRecord) {
        switch record {
        case .userScramCredential(let scram): records["scram \(scram.mechanism) \(scram.name)"] = record
        case .removeUserScramCredential(let scram): records["scram \(scram.mechanism) \(scram.name)"] = nil
        case .accessControlEntry(let entry): records["acl \(entry.id.text)"] = record
        case .removeAccessControlEntry(let entry): records["acl \(entry.id.text)"] = nil
        case .clientQuota(let quota):
            let entity = quota.entity.map { "\($0.entityType)=\($0.entityName.map { "\($0.utf8.count):\($0)" } ?? "default")" }
            records["quota \(quota.key) \(entity.sorted().joined(separator: ","))"] = quota.remove ? nil : record
        case .registerController(let controller): records["controller \(controller.controllerID)"] = record
        case .config(let config):
            let key = "config \(config.resourceType) \(config.name) \(config.resourceName)"
            records[key] = config.value == nil ? nil : record
        default: opaque.append(record)
        }
    }
}
