import Primitives
import Wire

/// An image as records, and what lies between two images: for snapshots of the metadata log (KIP-630).
extension ClusterImage {
    /// Records that make an equal image of an empty one. Features first, as whoever reads the rest needs to know their level.
    package func snapshotRecords() -> [MetadataRecord] {
        var records = features.map { MetadataRecords.featureLevel($0.key, $0.value) }
        records += brokers.values.map { MetadataRecords.registerBroker($0) }
        for topic in topics.values {
            records.append(MetadataRecords.topic(topic.name, topic.id))
            records += topic.partitions.map { MetadataRecords.partition($0.key, of: topic.id, $0.value) }
        }
        for (resource, settings) in configs {
            records += settings.map { MetadataRecords.config(resource, $0.key, $0.value) }
        }
        if nextProducerID > 0 { records.append(MetadataRecords.producerIDs(.none, -1, next: nextProducerID)) }
        records += access.entries.map { $0.value.record($0.key) }
        for (entity, values) in quotas.entries { records += values.map { entity.record($0.key, $0.value) } }
        return records + kept.all
    }

    /// The image that a snapshot holds, which tells all that lies before `endOffset`. `delta` gets what differs from `before`.
    package static func restored(
        _ records: [MetadataRecord], clusterID: String, endOffset: Offset, before: ClusterImage, into delta: inout ClusterImageDelta
    ) -> ClusterImage {
        restored(clusterID: clusterID, endOffset: endOffset, before: before, into: &delta) { take in
            for record in records { take(record) }
        }
    }

    /// The same of records that `read` gives one after the other.
    package static func restored(
        clusterID: String, endOffset: Offset, before: ClusterImage, into delta: inout ClusterImageDelta,
        read: (_ take: (MetadataRecord) -> Void) throws -> Void
    ) rethrows -> ClusterImage {
        var image = ClusterImage(clusterID: clusterID)
        // Of nothing, everything is what differs.
        let isFirst = before == image && delta.isEmpty
        var changes = ClusterImageDelta()
        try read { image.apply($0, at: endOffset + -1, into: &changes) }
        image.appliedOffset = endOffset + -1
        if isFirst { delta = changes } else { delta.noteDifference(from: before, to: image) }
        return image
    }
}

extension ClusterImageDelta {
    /// Notes all in which two images differ.
    mutating func noteDifference(from old: ClusterImage, to new: ClusterImage) {
        for id in union(old.brokers.keys, new.brokers.keys) where old.brokers[id] != new.brokers[id] {
            brokers.note(id, before: old.brokers[id], after: new.brokers[id])
        }
        for topic in old.topics.values where new.topic(topic.id) == nil {
            topicsDeleted[topic.id] = topic
            notePartitions(of: topic, to: nil)
        }
        for topic in new.topics.values {
            let before = old.topic(topic.id)
            if before == nil { topicsCreated[topic.id] = topic.name }
            if before != topic { notePartitions(of: before ?? TopicImage(name: topic.name, id: topic.id), to: topic) }
        }
        for resource in union(old.configs.keys, new.configs.keys) where old.configs[resource] != new.configs[resource] {
            let (before, after) = (old.config(resource), new.config(resource))
            for name in union(before.keys, after.keys) where before[name] != after[name] {
                configs.note(ConfigKey(resource, name), before: before[name], after: after[name])
            }
        }
        for name in union(old.features.keys, new.features.keys) where old.features[name] != new.features[name] {
            features.note(name, before: old.features[name], after: new.features[name])
        }
        if old.quotas != new.quotas { quotasChanged = true }
        for id in union(old.access.entries.keys, new.access.entries.keys) where old.access.entries[id] != new.access.entries[id] {
            access.note(id, before: old.access.entries[id], after: new.access.entries[id])
        }
    }

    private mutating func notePartitions(of before: TopicImage, to after: TopicImage?) {
        for index in union(before.partitions.keys, after?.partitions.keys ?? []) {
            let (old, new) = (before.partitions[index], after?.partitions[index])
            guard old != new else { continue }
            partitions.note(before.name, before.id, index, before: old, after: new)
        }
    }

    /// Both lists are sorted; so is what comes of them.
    private func union<Key: Comparable>(_ a: [Key], _ b: [Key]) -> [Key] {
        var out: [Key] = []
        var (i, j) = (0, 0)
        while i < a.count || j < b.count {
            if j == b.count || (i < a.count && a[i] < b[j]) {
                out.append(a[i])
                i += 1
            } else {
                if i < a.count && a[i] == b[j] { i += 1 }
                out.append(b[j])
                j += 1
            }
        }
        return out
    }
}
