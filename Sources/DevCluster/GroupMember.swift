import Client
import ClientCore
import Primitives
import Reactor
import Synchronization

/// A consumer of the demo: a real member of a real group, over a client of its own. It joins, takes its part, reads at most as fast as
/// it is told to, commits, and leaves when it is stopped.
package final class GroupMember: Sendable {
    package struct Options: Sendable {
        package var group: String
        package var clientID: String
        package var topics: [String]
        /// Records a second it can work through; nil: all there are.
        package var rate: Double?

        package init(group: String, clientID: String, topics: [String], rate: Double? = nil) {
            (self.group, self.clientID, self.topics, self.rate) = (group, clientID, topics, rate)
        }
    }

    /// Handed out and not worked through yet, with the number of records.
    private typealias Work = (delivery: Int, count: Int)

    private let options: Options
    private let client: ClusterClient
    private let consumer = Mutex<GroupConsumer?>(nil)
    private let work = Mutex<[Work]>([])
    private let stopping = Atomic<Bool>(false)
    private let pool = WorkerPool(threadsMax: 1, jobsMax: 1)

    static let tickMs: Int64 = 50
    /// Small, so that a slow member works through a delivery within a moment.
    static let partitionBytesMax: Int32 = 64 << 10

    package init(_ options: Options, bootstrap: [ServerAddress]) {
        self.options = options
        client = ClusterClient(bootstrap: bootstrap, clientID: options.clientID, requestTimeoutMs: 35_000)
    }

    package func start() {
        var settings = GroupConsumerOptions(group: options.group, topics: options.topics)
        settings.sessionTimeoutMs = 10_000
        settings.rebalanceTimeoutMs = 20_000
        settings.heartbeatIntervalMs = 500
        settings.autoCommitIntervalMs = 1_000
        settings.offsetReset = .earliest
        settings.partitionBytesMax = GroupMember.partitionBytesMax
        settings.fetchWaitMs = 250
        settings.metadataRefreshMs = 2_000
        let isSlow = options.rate != nil
        let made = GroupConsumer(client, settings) { [weak self] output in
            guard case .records(let delivery, let records) = output, let self else { return }
            if isSlow {
                self.work.withLock { $0.append((delivery, records.count)) }
            } else {
                self.consumer.withLock { $0 }?.taken(delivery: delivery)
            }
        }
        consumer.withLock { $0 = made }
        if let rate = options.rate { pool.submit { self.workThrough(rate) } }
    }

    /// Asks the member to leave; it does so by itself soon.
    package func requestStop() {
        stopping.store(true, ordering: .releasing)
        consumer.withLock { $0 }?.requestClose()
    }

    /// Leaves the group. A member that waits for others in a rebalance is not waited for longer than this.
    package func stop() {
        requestStop()
        consumer.withLock { $0 }?.close(timeoutMs: 1500)
        pool.stop()
        client.stop()
    }

    /// As fast as `rate` records a second, never more than a second's worth at once.
    private func workThrough(_ rate: Double) {
        var allowance = 0.0
        var last = SystemClock.instant()
        while !stopping.load(ordering: .acquiring) {
            Pause.milliseconds(GroupMember.tickMs)
            let now = SystemClock.instant()
            allowance = min(allowance + rate * Double(now.milliseconds(since: last)) / 1000, rate)
            last = now
            while allowance > 0, let next = work.withLock({ $0.isEmpty ? nil : $0.removeFirst() }) {
                // A delivery larger than what is left is worked through now and paid for by the ticks to come.
                allowance -= Double(next.count)
                consumer.withLock { $0 }?.taken(delivery: next.delivery)
            }
        }
    }
}
