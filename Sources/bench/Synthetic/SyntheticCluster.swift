import Glibc
import Primitives
import Reactor
import Wire

/// A cluster that exists on the wire alone: any number of topics, partitions and groups, all of it computed when it is asked for, so that a
/// console can be held against more than a test machine carries. It answers what consoles ask; it keeps no record and takes none.
///
/// It runs as a process of its own (`bench synthetic-cluster`) with a port per broker, and prints the line that `kastellan dev` prints.
final class SyntheticCluster: @unchecked Sendable {
    struct Shape: Sendable {
        var topics = 10_000
        var partitions: Int32 = 10
        var groups = 2_000
        var brokers: Int32 = 6
        /// One topic of so many gets records all the time, the others none; 0: nothing moves.
        var movingEvery = 50
    }

    let shape: Shape
    /// The port of each broker, by its id less one.
    let ports: [Int32]
    private let listeners: [Int32]
    private let startedAt = ticks()

    init(_ shape: Shape) throws {
        self.shape = shape
        listeners = try (0..<shape.brokers).map { _ in try Socket.listen(host: "127.0.0.1", port: 0, backlog: 64) }
        ports = listeners.map { Int32(Socket.localAddress($0).port) }
    }

    /// The shape that a command line asks for: `--topics 10000 --partitions 10 --groups 2000 --brokers 6 --moving 50`.
    static func shape(_ arguments: [String]) -> Shape {
        func value(_ flag: String) -> Int? {
            arguments.firstIndex(of: flag).flatMap { $0 + 1 < arguments.count ? Int(arguments[$0 + 1]) : nil }
        }
        var shape = Shape()
        shape.topics = value("--topics") ?? shape.topics
        shape.partitions = Int32(value("--partitions") ?? Int(shape.partitions))
        shape.groups = value("--groups") ?? shape.groups
        shape.brokers = Int32(value("--brokers") ?? Int(shape.brokers))
        shape.movingEvery = value("--moving") ?? shape.movingEvery
        return shape
    }

    func run() {
        print("bootstrap.servers=127.0.0.1:\(ports[0])")
        fflush(nil)
        for (index, listener) in listeners.enumerated() {
            _ = fcntl(listener, F_SETFL, 0)
            let serve: @Sendable () -> Void = { [self] in accept(listener, broker: Int32(index + 1)) }
            if index + 1 < listeners.count { SyntheticThread.run(serve) } else { serve() }
        }
    }

    private func accept(_ listener: Int32, broker: Int32) {
        while true {
            let descriptor = Glibc.accept(listener, nil, nil)
            guard descriptor >= 0 else { continue }
            Socket.sendsAtOnce(descriptor)
            SyntheticThread.run { [self] in
                defer { close(descriptor) }
                while let frame = BlockingSocket.readFrame(descriptor), let answer = try? SyntheticAnswers(self, broker).answer(frame) {
                    guard answer.bytes.withUnsafeBytes({ BlockingSocket.write(descriptor, $0) }) else { return }
                }
            }
        }
    }

    // MARK: What there is

    func topic(_ index: Int) -> String { "synthetic.area-\(index % 40).topic-\(index)" }
    /// The number at a name's end.
    func topicIndex(_ name: String) -> Int? {
        guard let dash = name.lastIndex(of: "-"), let index = Int(name[name.index(after: dash)...]) else { return nil }
        return index >= 0 && index < shape.topics && topic(index) == name ? index : nil
    }
    func group(_ index: Int) -> String { "synthetic-group-\(index)" }
    func groupIndex(_ id: String) -> Int? {
        guard let dash = id.lastIndex(of: "-"), let index = Int(id[id.index(after: dash)...]) else { return nil }
        return index >= 0 && index < shape.groups && group(index) == id ? index : nil
    }

    /// Brokers of a partition, its leader first.
    func replicas(_ topic: Int, _ partition: Int32) -> [Int32] {
        (0..<min(3, shape.brokers)).map { (Int32(truncatingIfNeeded: topic) + partition + $0) % shape.brokers + 1 }
    }

    func coordinator(_ group: Int) -> Int32 { Int32(group) % shape.brokers + 1 }

    /// What a group reads: two topics, among them moving ones.
    func topics(ofGroup group: Int) -> [Int] {
        guard shape.topics > 0 else { return [] }
        return Array(Set([group * 5 % shape.topics, (group * 5 + 1) % shape.topics])).sorted()
    }

    /// A partition's log end offset now.
    func end(_ topic: Int, _ partition: Int32) -> Int64 {
        let base = Int64(10_000 + topic * 7 + Int(partition))
        guard shape.movingEvery > 0, topic % shape.movingEvery == 0 else { return base }
        return base + (ticks() - startedAt) / 20_000_000
    }

    /// What a group has committed: every hundredth group stands still, the others follow closely.
    func committed(_ group: Int, _ topic: Int, _ partition: Int32) -> Int64 {
        group % 100 == 7 ? Int64(9_000 + topic * 7) : max(end(topic, partition) - Int64(group % 5), 0)
    }
}

enum SyntheticThread {
    private final class Work {
        let body: @Sendable () -> Void
        init(_ body: @escaping @Sendable () -> Void) { self.body = body }
    }

    static func run(_ body: @escaping @Sendable () -> Void) {
        let box = Unmanaged.passRetained(Work(body))
        var thread = pthread_t()
        pthread_create(&thread, nil, { raw in
            Unmanaged<Work>.fromOpaque(raw!).takeRetainedValue().body()
            return nil
        }, box.toOpaque())
        pthread_detach(thread)
    }
}
