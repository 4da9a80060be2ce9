import Broker
import Controller
import Primitives
import Records
import Replication
import Storage

/// The bytes that were damaged on the machines' disks, and whether they still are. What is overwritten, cut or removed is rotten no more.
struct RotRegistry {
    struct Rot {
        let node: SimulatedNode
        let partition: TopicPartition
        let path: String
        let position: Int
        let damaged: UInt8
        /// Of the batch that it hit.
        let firstOffset: Offset
        let nextOffset: Offset

        var isThere: Bool { node.disk.byte(path, position) == damaged }
    }

    private var all: [Rot] = []

    mutating func add(_ rot: Rot) { all.append(rot) }
    func rots(_ partition: TopicPartition) -> [Rot] { all.filter { $0.partition == partition && $0.isThere } }
    func rots(_ node: SimulatedNode, _ partition: TopicPartition) -> [Rot] {
        all.filter { $0.node === node && $0.partition == partition && $0.isThere }
    }
}

extension World {
    /// Flips bits in one byte of a batch that a broker holds and has on its disk for good: of the batch with `offset`, else of any that is
    /// below its recovery point. Base offset and leader epoch are left alone: Kafka's format has them outside the checksum, so that what a
    /// consumer is given before a scrub comes by would be wrong. `byte`: of the batch; else drawn. False where nothing can be hit.
    @discardableResult
    package func rot(_ replica: Replica, on node: SimulatedNode, offset: Offset? = nil, byte: Int? = nil, _ random: inout PRNG) -> Bool {
        let prefix = replica.log.directory + "/"
        let paths = node.disk.filePaths.filter { $0.hasPrefix(prefix) && $0.hasSuffix(".log") }
        let limit = offset.map { $0 + 1 } ?? min(recoveryPoint(replica.partition, node), replica.highWatermark)
        var found: [(path: String, position: Int, header: BatchHeader)] = []
        for path in paths {
            guard let bytes = try? node.disk.readAll(path) else { continue }
            var position = 0
            while let header = try? BatchHeader.parse(bytes, at: position), header.baseOffset < limit {
                let isWhole = header.baseOffset >= replica.log.logStartOffset && header.nextOffset <= max(limit, header.baseOffset + 1)
                if offset.map({ header.baseOffset <= $0 && $0 < header.nextOffset }) ?? isWhole {
                    found.append((path, position, header))
                }
                position += header.sizeInBytes
            }
        }
        guard !found.isEmpty else { return false }
        let (path, start, header) = random.pick(found)
        let places = Array(8..<12) + Array(16..<header.sizeInBytes)
        let position = start + (byte ?? random.pick(places))
        let mask = UInt8(1 + random.below(255))
        node.disk.damage(path, at: position, xor: mask)
        rots.add(
            RotRegistry.Rot(
                node: node, partition: replica.partition, path: path, position: position, damaged: node.disk.byte(path, position) ?? 0,
                firstOffset: header.baseOffset, nextOffset: header.nextOffset))
        trace.note(self, "\(node.host)", "\(replica.partition) rots at offset \(header.baseOffset), byte \(position - start) of the batch")
        return true
    }

    private func recoveryPoint(_ partition: TopicPartition, _ node: SimulatedNode) -> Offset {
        let path = ClusterLayout.dataDirectory + "/recovery-point-offset-checkpoint"
        guard let text = try? node.disk.readAll(path).lossyString else { return .zero }
        return Checkpoint.offsets(text)?.first { $0.partition == partition }?.offset ?? .zero
    }

    /// Flips bits in a file that can be made anew from others: an index of offsets or times. Not that of aborted transactions: Kafka's
    /// format gives it no checksum, so what rots there is believed at the next start (ARCHITECTURE.md, "Non-obvious").
    func rotIndex(_ replica: Replica, on node: SimulatedNode, _ random: inout PRNG) -> Bool {
        let prefix = replica.log.directory + "/"
        let paths = node.disk.filePaths.filter { path in
            path.hasPrefix(prefix) && [".index", ".timeindex"].contains { path.hasSuffix($0) } && node.disk.size(path) > 0
        }
        guard !paths.isEmpty else { return false }
        let path = random.pick(paths)
        node.disk.damage(path, at: random.below(node.disk.size(path)), xor: UInt8(1 + random.below(255)))
        trace.note(self, "\(node.host)", "\(path) rots")
        return true
    }
}
