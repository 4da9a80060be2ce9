import Primitives

/// The records of internal topics in the words of Kafka's dump tool: what it prints after `headerKeys: []`. Nil where the bytes are not
/// what they should be; the caller then prints key and value as plain records.
package enum RecordText {
    /// A record of `__consumer_offsets`.
    package static func offsets(key: Bytes, value: Bytes?) -> String? {
        guard let decoded = try? GroupRecordKey.decode(key), let message = decoded.message, let valueType = decoded.valueType else {
            return nil
        }
        let type: Int16 = key.load(0)
        guard let value else { return keyed(type, message) + " payload: <DELETE>" }
        guard let payload = payload(value, as: valueType) else { return nil }
        return keyed(type, message) + " payload: " + payload
    }

    /// A record of `__transaction_state`.
    package static func transactions(key: Bytes, value: Bytes?) -> String? {
        guard let decoded = try? TransactionLogKey.decodeKey(key) else { return nil }
        guard let value else { return keyed(0, decoded) + " payload: <DELETE>" }
        guard let payload = payload(value, as: TransactionLogValue.self) else { return nil }
        return keyed(0, decoded) + " payload: " + payload
    }

    /// A record of `__share_group_state`.
    package static func shareState(key: Bytes, value: Bytes?) -> String? {
        switch try? ShareStateRecordKey.decode(key) {
        case .snapshot(let decoded): text(0, decoded, value, as: ShareSnapshotValue.self)
        case .update(let decoded): text(1, decoded, value, as: ShareUpdateValue.self)
        case nil: nil
        }
    }

    private static func text<K: CoordinatorKey, V: CoordinatorValue>(_ type: Int16, _ key: K, _ value: Bytes?, as: V.Type) -> String? {
        guard let value else { return keyed(type, key) + " payload: <DELETE>" }
        return payload(value, as: V.self).map { keyed(type, key) + " payload: " + $0 }
    }

    /// Key and value of a record of an internal topic, each as JSON; the value nil where it is a deletion. Nil where the topic is none of
    /// those, or the bytes are not what they should be.
    package static func pair(topic: String, key: Bytes, value: Bytes?) -> (key: String, value: String?)? {
        let text: String?
        switch topic {
        case "__consumer_offsets": text = offsets(key: key, value: value)
        case "__transaction_state": text = transactions(key: key, value: value)
        case "__share_group_state": text = shareState(key: key, value: value)
        default: return nil
        }
        guard let text, let middle = text[...].firstRange(of: " payload: ") else { return nil }
        let payload = String(text[middle.upperBound...])
        return (String(text[..<middle.lowerBound].dropFirst("key: ".count)), payload == "<DELETE>" ? nil : payload)
    }

    /// A record of `__cluster_metadata`.
    package static func metadata(value: Bytes) -> String? {
        guard let (record, version) = try? MetadataRecord.decodeVersioned(value), let message = record.message else { return nil }
        return "payload: {\"type\":\"\(record.typeName)\",\"version\":\(version),\"data\":\(json(message, version))}"
    }

    /// A control record of any topic.
    package static func control(key: Bytes, value: Bytes) -> String? {
        guard let record = try? ControlRecord.decode(key: key, value: value) else { return nil }
        return switch record {
        case .abort(let marker): "endTxnMarker: ABORT coordinatorEpoch: \(marker.coordinatorEpoch)"
        case .commit(let marker): "endTxnMarker: COMMIT coordinatorEpoch: \(marker.coordinatorEpoch)"
        case .leaderChange(let message): "LeaderChange: " + json(message, message.version)
        case .snapshotHeader(let record): "SnapshotHeader " + json(record, record.version)
        case .snapshotFooter(let record): "SnapshotFooter " + json(record, record.version)
        case .kRaftVersion(let record): "KRaftVersion " + json(record, record.version)
        case .voters(let record): "KRaftVoters " + json(record, record.version)
        case .unknown(let type, _): "controlType: UNKNOWN(\(type))"
        }
    }

    private static func keyed<K: CoordinatorKey>(_ type: Int16, _ key: K) -> String {
        "key: {\"type\":\"\(type)\",\"data\":\(json(key, type))}"
    }

    private static func payload<V: CoordinatorValue>(_ value: Bytes, as: V.Type) -> String? {
        guard let (decoded, version) = try? V.decodeVersionedValue(value) else { return nil }
        var text = json(decoded, version)
        if let group = decoded as? GroupMetadataValue { text = withMembers(group, version) ?? text }
        return "{\"version\":\"\(version)\",\"data\":\(text)}"
    }

    private static func json<M: WireMessage>(_ message: M, _ version: Int16) -> String { WirePrinter.print(message, version: version) }

    /// A consumer group with the subscriptions and assignments of its members spelt out, as Kafka's tool does for protocol type "consumer".
    private static func withMembers(_ group: GroupMetadataValue, _ version: Int16) -> String? {
        guard group.protocolType == "consumer" else { return nil }
        var text = ""
        var rest = Substring(json(group, version))
        for member in group.members {
            guard let subscription = subscriptionText(member.subscription) else { return nil }
            guard let assignment = assignmentText(member.assignment) else { return nil }
            for (name, bytes, replacement) in [
                ("subscription", member.subscription, subscription), ("assignment", member.assignment, assignment),
            ] {
                let plain = "\"\(name)\":\"\(base64(bytes))\""
                guard let place = rest.firstRange(of: plain) else { return nil }
                text += rest[..<place.lowerBound] + "\"\(name)\":" + replacement
                rest = rest[place.upperBound...]
            }
        }
        return text + rest
    }

    private static func subscriptionText(_ bytes: Bytes) -> String? {
        (try? ConsumerProtocolSubscription.decode(bytes)).map { json($0, 3) }
    }

    private static func assignmentText(_ bytes: Bytes) -> String? {
        (try? ConsumerProtocolAssignment.decode(bytes)).map { json($0, 3) }
    }
}

extension Substring {
    /// Where `text` first occurs.
    func firstRange(of text: String) -> Range<Substring.Index>? {
        let wanted = Array(text.utf8)
        var start = utf8.startIndex
        while let first = utf8[start...].firstIndex(of: wanted[0]) {
            if utf8[first...].starts(with: wanted) { return first..<utf8.index(first, offsetBy: wanted.count) }
            start = utf8.index(after: first)
        }
        return nil
    }
}
