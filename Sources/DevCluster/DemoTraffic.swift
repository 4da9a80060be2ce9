import Client
import ClientCore
import Primitives
import Reactor
import Records
import Synchronization
import Wire

/// The living traffic of `kastellan demo`: the shop of `DemoRecords` writes, and four groups read. `billing` and `shipping` keep up,
/// `analytics` does not, and `fraud-detection` gains and loses a member now and then. All over the protocol, like anybody's clients.
package final class DemoTraffic: Sendable {
    package struct Options: Sendable {
        package var seed: UInt64 = 1
        /// Records a second, over all topics.
        package var rate = 60
        package init() {}
    }

    private let bootstrap: [ServerAddress]
    private let options: Options
    private let client: ClusterClient
    private let stopping = Atomic<Bool>(false)
    private let pool = WorkerPool(threadsMax: 2, jobsMax: 2)

    /// How long the extra member of `fraud-detection` stays away, and stays.
    static let awayMs: Int64 = 15_000
    static let staysMs: Int64 = 20_000
    static let tickMs: Int64 = 50

    package init(bootstrap: [ServerAddress], options: Options) {
        self.bootstrap = bootstrap
        self.options = options
        client = ClusterClient(bootstrap: bootstrap, clientID: "shop")
    }

    /// Makes the topics and lets the traffic begin.
    package func start() throws(ClientError) {
        try createTopics()
        pool.submit { self.write() }
        pool.submit { self.read() }
    }

    /// Ends the traffic; the members leave their groups.
    package func stop() {
        stopping.store(true, ordering: .releasing)
        pool.stop()
        client.stop()
    }

    private var isStopping: Bool { stopping.load(ordering: .acquiring) }

    private func createTopics() throws(ClientError) {
        var request = CreateTopicsRequest()
        for (name, partitions) in DemoRecords.topics {
            var topic = CreateTopicsRequest.Topic()
            topic.name = name
            topic.numPartitions = partitions
            topic.replicationFactor = -1
            request.topics.append(topic)
        }
        for topic in try client.send(request, to: .controller).topics where topic.errorCode != .topicAlreadyExists {
            if let error = ClientError.of(topic.errorCode, topic.errorMessage) { throw error }
        }
    }

    /// The shop: so many records a second, in small lots of uneven size.
    private func write() {
        var producerOptions = ProducerOptions()
        producerOptions.codec = .lz4
        let producer = SimpleProducer(client, producerOptions)
        var shop = DemoRecords(seed: options.seed)
        var chance = PRNG(seed: options.seed ^ 0x5eed)
        var due = 0.0
        var last = SystemClock.instant()
        while !isStopping {
            Pause.milliseconds(DemoTraffic.tickMs)
            let now = SystemClock.instant()
            // A wave of a minute, so that the rates on the screen have something to show.
            let wave = 1 + 0.5 * triangle(now.milliseconds(since: .zero), period: 60_000)
            due += Double(options.rate) * wave * Double(now.milliseconds(since: last)) / 1000
            last = now
            var count = Int(due)
            due -= Double(count)
            if chance.oneIn(40) { count += chance.below(options.rate) }
            for _ in 0..<min(count, 10_000) { producer.send(shop.next(at: SystemClock.wall())) }
        }
        producer.flush(timeoutMs: 1000)
    }

    /// From -1 to 1 and back over `period`.
    private func triangle(_ time: Int64, period: Int64) -> Double {
        let phase = Double(time % period) / Double(period)
        return phase < 0.5 ? 4 * phase - 1 : 3 - 4 * phase
    }

    private func member(_ group: String, _ number: Int, _ topics: [String], rate: Double? = nil) -> GroupMember {
        let options = GroupMember.Options(group: group, clientID: "\(group)-\(number)", topics: topics, rate: rate)
        let member = GroupMember(options, bootstrap: bootstrap)
        member.start()
        return member
    }

    private func read() {
        // Clicks are about two thirds of all; two thirds of those is what analytics can do.
        let slow = Double(options.rate) * 0.62 * 0.66
        let members = [
            member("billing", 1, ["orders", "payments"]), member("billing", 2, ["orders", "payments"]),
            member("shipping", 1, ["orders", "inventory"]),
            member("analytics", 1, ["clicks"], rate: slow),
            member("fraud-detection", 1, ["payments", "orders"]),
        ]
        while !isStopping {
            rest(DemoTraffic.awayMs)
            guard !isStopping else { break }
            let extra = member("fraud-detection", 2, ["payments", "orders"])
            rest(DemoTraffic.staysMs)
            if isStopping { for member in members { member.requestStop() } }
            extra.stop()
        }
        for member in members { member.requestStop() }
        for member in members { member.stop() }
    }

    private func rest(_ milliseconds: Int64) {
        var left = milliseconds
        while left > 0 && !isStopping {
            Pause.milliseconds(min(left, 100))
            left -= 100
        }
    }
}
