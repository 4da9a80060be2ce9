import Broker
import Compression
import Controller
import Primitives
import Records
import Storage
import Wire

/// A whole broker on a disk in memory, handed requests as they would come from sockets: nothing that a peer sends may trap a handler.
/// Input: per request a 16-bit length and the frame; a length from 0xff00 on lets that many deciseconds (its low byte) pass instead.
func runBroker(_ input: Bytes) {
    guard var run = BrokerRun() else { fatalError("a fresh broker starts") }
    var at = 0
    var requests = 0
    while input.count - at >= 2, requests < 24 {
        let length = Int(input.load(at, as: UInt16.self))
        at += 2
        if length >= 0xff00 {
            run.pass(deciseconds: Int64(length & 0xff))
            continue
        }
        let end = min(input.count, at + length)
        run.request(Bytes(input.slice(at, end).array))
        at = end
        requests += 1
    }
    run.pass(deciseconds: 600)
}

private struct BrokerRun {
    private var broker: Broker
    private var now = Now(instant: Instant(nanoseconds: 1), wall: Timestamp(milliseconds: 1_700_000_000_000))
    private var connection: UInt64 = 0

    init?() {
        let disk = MemoryDisk()
        try? disk.makeDirectory("data")
        let settings = [
            ("node.id", "1"), ("listeners", "PLAINTEXT://localhost:9092"), ("log.dirs", "data"), ("offsets.topic.num.partitions", "2"),
            ("num.partitions", "2"),
        ]
        guard let config = try? BrokerConfig(BrokerConfig.developmentDefaults(brokers: 1) + settings) else { return nil }
        broker = Broker(config: config, disk: disk, codecs: .system, seed: 7, now: now)
        guard let effects = try? broker.start(now: now) else { return nil }
        settle(effects)
    }

    mutating func request(_ frame: Bytes) {
        guard let (header, body) = try? RequestHeader.decode(frame) else { return }
        connection += 1
        let context = RequestContext(
            connection: ConnectionID(rawValue: connection), header: header, body: body, clientHost: "10.0.0.1", listener: "PLAINTEXT",
            receivedAt: now)
        settle(broker.handle(.requestReceived(context), now: now))
    }

    mutating func pass(deciseconds: Int64) {
        now.instant = now.instant.adding(milliseconds: deciseconds * 100)
        now.wall = Timestamp(milliseconds: now.wall.milliseconds + deciseconds * 100)
        if broker.nextDeadline <= now.instant { settle(broker.handle(.ticked, now: now)) }
    }

    /// Runs the effects: syncs at once, everything else only looked at.
    private mutating func settle(_ effects: [BrokerEffect]) {
        for effect in effects {
            switch effect {
            case .sync(let token, let job):
                var failure: DiskError?
                do throws(DiskError) { try job.run() } catch { failure = error }
                settle(broker.handle(.synced(token, error: failure), now: now))
            case .send(_, let frame, let slices):
                precondition(frame.splices.map(\.length) == slices.map(\.length), "every splice has its slice")
            case .proceed, .readAhead, .mute, .close, .farewell, .framing, .clean, .ask, .abandon, .ready, .mayStop, .event, .log: break
            }
        }
    }
}
