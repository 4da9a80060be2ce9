import Primitives
import Wire

/// AlterClientQuotas: each entity by itself, all of its changes or none.
extension Controller {
    package func decideAlterClientQuotas(_ request: AlterClientQuotasRequest) -> Decision<AlterClientQuotasResponse> {
        var decision = Decision(response: AlterClientQuotasResponse())
        for entry in request.entries {
            var result = AlterClientQuotasResponse.Entry()
            result.entity = entry.entity.map { part in
                var told = AlterClientQuotasResponse.Entity()
                (told.entityType, told.entityName) = (part.entityType, part.entityName)
                return told
            }
            do throws(APIFailure) {
                let entity = try checkedEntity(entry.entity)
                let records = try decideChanges(entry.ops, of: entity)
                if !request.validateOnly { decision.records += records }
            } catch {
                (result.errorCode, result.errorMessage) = (error.code, error.message)
            }
            decision.response.entries.append(result)
        }
        return decision
    }

    private func checkedEntity(_ parts: [AlterClientQuotasRequest.Entity]) throws(APIFailure) -> QuotaEntity {
        if parts.isEmpty { throw APIFailure(.invalidRequest, "Invalid empty client quota entity") }
        var entity = QuotaEntity()
        for part in parts {
            guard QuotaEntity.types.contains(part.entityType) else {
                throw APIFailure(.invalidRequest, "Unhandled client quota entity type: \(part.entityType)")
            }
            if entity[part.entityType] != nil {
                throw APIFailure(.invalidRequest, "Invalid client quota entity, duplicate entity entry \(part.entityType)")
            }
            if part.entityName == "" { throw APIFailure(.invalidRequest, "Empty \(part.entityType) not supported") }
            entity[part.entityType] = QuotaName(part.entityName)
        }
        guard let ip = entity.ip else { return entity }
        if entity.user != nil || entity.clientID != nil {
            throw APIFailure(
                .invalidRequest, "Invalid quota entity combination, IP entity shouldnot be combined with User or ClientId")
        }
        if let text = ip.text, !isAddress(text) { throw APIFailure(.invalidRequest, "\(text) is not a valid IP or resolvable host.") }
        return entity
    }

    /// A numeric address. Kafka takes names of hosts too, and looks them up; a quota is compared with numeric addresses.
    private func isAddress(_ text: String) -> Bool {
        let bytes = text.split(separator: ".", omittingEmptySubsequences: false)
        if bytes.count == 4 { return bytes.allSatisfy { UInt8($0) != nil } }
        let groups = text.split(separator: ":", omittingEmptySubsequences: false)
        return groups.count > 2 && groups.count <= 8 && groups.allSatisfy { $0.isEmpty || UInt16($0, radix: 16) != nil }
    }

    private func decideChanges(
        _ operations: [AlterClientQuotasRequest.Operation], of entity: QuotaEntity
    ) throws(APIFailure) -> [MetadataRecord] {
        let before = image.quotas.entries[entity] ?? OrderedMap()
        var after = before
        for operation in operations {
            if operation.remove {
                after[operation.key] = nil
                continue
            }
            try checkValue(operation, of: entity)
            after[operation.key] = operation.value
        }
        var records: [MetadataRecord] = []
        for (key, value) in after where before[key] != value { records.append(entity.record(key, value)) }
        for key in before.keys where after[key] == nil { records.append(entity.record(key, nil)) }
        return records
    }

    private func checkValue(_ operation: AlterClientQuotasRequest.Operation, of entity: QuotaEntity) throws(APIFailure) {
        guard let key = QuotaKey(rawValue: operation.key), key.isOfAddresses == (entity.ip != nil) else {
            throw APIFailure(.invalidRequest, "Invalid configuration key \(operation.key)")
        }
        guard operation.value > 0 else { throw APIFailure(.invalidRequest, "Quota \(operation.key) must be greater than 0") }
        guard let wholeMax = key.wholeMax else { return }
        if operation.value > wholeMax { throw APIFailure(.invalidRequest, "\(operation.key) is greater than what is possible.") }
        // As much as a number loses on its way through a client's arithmetic is no fraction.
        let whole = (operation.value + 1e-6).rounded(.down)
        if (operation.value - whole).magnitude > 1e-6 {
            throw APIFailure(.invalidRequest, "\(operation.key) cannot be a fractional value.")
        }
    }
}

extension QuotaTable {
    /// The entities that all components match; `strict`: and that have no other parts.
    package func described(
        _ request: DescribeClientQuotasRequest
    ) throws(APIFailure) -> [DescribeClientQuotasResponse.Entry] {
        try check(request.components)
        return entries.compactMap { entity, values in
            let parts = QuotaEntity.types.filter { entity[$0] != nil }
            guard request.components.allSatisfy({ $0.matches(entity[$0.entityType]) }) else { return nil }
            if request.strict, parts.count != request.components.count { return nil }
            var row = DescribeClientQuotasResponse.Entry()
            row.entity = parts.map { type in
                var part = DescribeClientQuotasResponse.Entity()
                (part.entityType, part.entityName) = (type, entity[type]?.text)
                return part
            }
            row.values = values.map { key, value in
                var told = DescribeClientQuotasResponse.Value()
                (told.key, told.value) = (key, value)
                return told
            }
            return row
        }
    }

    private func check(_ components: [DescribeClientQuotasRequest.Component]) throws(APIFailure) {
        var seen: [String] = []
        for component in components {
            let type = component.entityType
            if type.isEmpty { throw APIFailure(.invalidRequest, "Invalid empty entity type.") }
            if seen.contains(type) {
                throw APIFailure(.invalidRequest, "Entity type \(type) cannot appear more than once in the filter.")
            }
            guard QuotaEntity.types.contains(type) else {
                throw APIFailure(.unsupportedVersion, "Unsupported entity type \(type)")
            }
            seen.append(type)
            switch component.matchType {
            case 0:
                if component.match == nil {
                    throw APIFailure(.invalidRequest, "Request specified MATCH_TYPE_EXACT, but set match string to null.")
                }
            case 1, 2:
                if component.match != nil {
                    let name = component.matchType == 1 ? "MATCH_TYPE_DEFAULT" : "MATCH_TYPE_SPECIFIED"
                    throw APIFailure(.invalidRequest, "Request specified \(name), but also specified a match string.")
                }
            default: throw APIFailure(.invalidRequest, "Unknown match type \(component.matchType)")
            }
        }
        if seen.contains("ip"), seen.count > 1 {
            throw APIFailure(
                .invalidRequest,
                "Invalid entity filter component combination. IP filter component should not be used with user or clientId filter "
                    + "component.")
        }
    }
}

extension DescribeClientQuotasRequest.Component {
    fileprivate func matches(_ name: QuotaName?) -> Bool {
        switch matchType {
        case 0: name == QuotaName(match)
        case 1: name == .byDefault
        default: name != nil
        }
    }
}
