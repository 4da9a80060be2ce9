import Primitives
import Wire

/// What a whole Metadata answer leaves out, because its asker knows it from the one before.
package struct MetadataDelta: Equatable, Sendable {
    /// By which the asker says next time what it knows.
    package var revision: Int
    /// Only topics that are new or changed are in the answer, and these are no more. False: the answer has all.
    package var isPartial: Bool
    package var gone: [String]

    package init(revision: Int, isPartial: Bool = false, gone: [String] = []) {
        (self.revision, self.isPartial, self.gone) = (revision, isPartial, gone)
    }
}

/// The last answer about all topics, as checksums: what the next one repeats need not be read again. For those who ask with
/// `ClientRequest.knownMetadata`.
///
/// Invariant: `names[i]` is the topic whose bytes had `digests[i]`, in the answer that `revision` names.
struct MetadataMemory: Sendable {
    private(set) var revision = 0
    private var digests: [UInt64] = []
    private var names: [String] = []
    /// What was doubted of the routing by then: whoever is in doubt reads everything.
    private var doubts = 0

    /// `known`: the revision the asker has; another than the last means that it needs all.
    mutating func read(
        _ frame: Bytes, version: Int16, known: Int, doubts: Int
    ) throws(WireError) -> (answer: MetadataResponse, delta: MetadataDelta) {
        let answer = try MetadataTopics(frame, version: version)
        guard known == revision, revision > 0, doubts == self.doubts else { return try readAll(answer, doubts) }
        if answer.digests == digests { return (answer.head, MetadataDelta(revision: revision, isPartial: true)) }
        return try readChanges(answer)
    }

    private mutating func readAll(
        _ answer: MetadataTopics, _ doubts: Int
    ) throws(WireError) -> (answer: MetadataResponse, delta: MetadataDelta) {
        var whole = answer.head
        whole.topics.reserveCapacity(answer.digests.count)
        for index in answer.digests.indices { whole.topics.append(try answer.topic(at: index)) }
        revision += 1
        (digests, names, self.doubts) = (answer.digests, whole.topics.map { $0.name ?? "" }, doubts)
        return (whole, MetadataDelta(revision: revision))
    }

    private mutating func readChanges(_ answer: MetadataTopics) throws(WireError) -> (answer: MetadataResponse, delta: MetadataDelta) {
        var places: [UInt64: Int] = [:]
        for (index, digest) in digests.enumerated() { places[digest] = index }
        var stays = [Bool](repeating: false, count: digests.count)
        var changed = answer.head
        var told: [String] = []
        told.reserveCapacity(answer.digests.count)
        for (index, digest) in answer.digests.enumerated() {
            if let place = places[digest] {
                stays[place] = true
                told.append(names[place])
            } else {
                let topic = try answer.topic(at: index)
                told.append(topic.name ?? "")
                changed.topics.append(topic)
            }
        }
        var still = OrderedMap<String, Bool>()
        for name in changed.topics.compactMap(\.name).sorted() { still[name] = true }
        let gone = names.indices.filter { !stays[$0] && still[names[$0]] == nil }.map { names[$0] }
        revision += 1
        (digests, names) = (answer.digests, told)
        return (changed, MetadataDelta(revision: revision, isPartial: true, gone: gone))
    }
}
