import CLinux
import Glibc
import Primitives
import Reactor
import Records
import Wire

/// Records one by one at a fixed rate, acks=all, by a client that only writes requests and reads answers: what the cluster takes for them,
/// without the threads of a client library that run on the same processors. One thread, a connection for each partition's leader.
///
/// Latency counts from when a record was due, so that one that could not be sent in time is not forgiven (coordinated omission).
struct PlainPaced {
    struct Result {
        var p50: Double
        var p99: Double
        var p999: Double
        /// Milliseconds since the beginning and microseconds that it took, for each record that took longer than the 99th in a hundred.
        var slow: [(at: Double, took: Double)] = []
    }

    private struct Lane {
        var descriptor: Int32
        var frame: Bytes
        /// When each record was due that is not answered yet, in the order of the answers.
        var due: [Int64] = []
        var answered = 0
        var arrived: [UInt8] = []
    }

    let port: Int
    let topic: String
    let recordBytes: Int
    let rate: Int
    let count: Int

    /// Microseconds.
    func run() throws -> Result {
        var lanes = try lanes()
        defer { for lane in lanes { close(lane.descriptor) } }
        var answered: [(at: Double, took: Double)] = []
        answered.reserveCapacity(count)
        var buffer = [UInt8](repeating: 0, count: 64 * 1024)
        let pause = 1_000_000_000 / Int64(rate)
        let timer = try timer(pause)
        defer { close(timer) }
        let begun = ticks()
        let limit = begun + Int64(count) * pause + 30_000_000_000
        var sent = 0
        while answered.count < count {
            let now = ticks()
            guard now < limit else {
                throw ChildProcess.Failed(description: "\(answered.count) of \(count) records were acknowledged in time")
            }
            while sent < count, begun + Int64(sent) * pause <= now {
                let place = sent % lanes.count
                let frame = lanes[place].frame
                guard frame.withUnsafeBytes({ BlockingSocket.write(lanes[place].descriptor, $0) }) else { throw hungUp }
                lanes[place].due.append(begun + Int64(sent) * pause)
                sent += 1
            }
            wait(lanes, timer)
            for place in lanes.indices { try take(&lanes[place], &buffer, begun, &answered) }
        }
        let latencies = answered.map(\.took).sorted()
        func at(_ share: Double) -> Double { latencies[Int(Double(latencies.count - 1) * share)] }
        return Result(p50: at(0.5), p99: at(0.99), p999: at(0.999), slow: answered.filter { $0.took > at(0.99) })
    }

    /// `bench paced PORT TOPIC [RATE [COUNT [BYTES]]]`: one run, and when the slowest hundredth of its records was due.
    static func run(_ words: [String]) throws {
        guard words.count >= 2, let port = Int(words[0]) else { throw ChildProcess.Failed(description: "paced wants a port and a topic") }
        func number(_ place: Int, _ otherwise: Int) throws -> Int {
            guard words.count > place else { return otherwise }
            guard let number = Int(words[place]), 1...10_000_000 ~= number else {
                throw ChildProcess.Failed(description: "paced wants a number from 1 to 10000000, not \(words[place])")
            }
            return number
        }
        let (rate, count, bytes) = (try number(2, 10_000), try number(3, 50_000), try number(4, 1024))
        let result = try PlainPaced(port: port, topic: words[1], recordBytes: bytes, rate: rate, count: count).run()
        print("p50 \(result.p50) us, p99 \(result.p99) us, p99.9 \(result.p999) us")
        for (at, took) in result.slow { print("\(at) ms: \(took) us") }
    }

    private var hungUp: ChildProcess.Failed { ChildProcess.Failed(description: "the broker hung up on a plain producer") }

    /// Metadata in version 2, which mock clusters of older librdkafkas have.
    private func lanes() throws -> [Lane] {
        guard let client = PlainClient(port: port) else { throw ChildProcess.Failed(description: "nobody listens on port \(port)") }
        guard let answer = client.ask(PlainClient.metadata(topic), version: 2) else {
            throw ChildProcess.Failed(description: "no metadata of port \(port)")
        }
        guard let found = answer.topics.first, !found.partitions.isEmpty else {
            throw ChildProcess.Failed(description: "topic \(topic) has no partitions")
        }
        return try found.partitions.map { partition in
            guard let broker = answer.brokers.first(where: { $0.nodeID == partition.leaderID }),
                let descriptor = BlockingSocket.connect(port: Int(broker.port))
            else { throw ChildProcess.Failed(description: "partition \(partition.partitionIndex) has no leader that can be reached") }
            Socket.sendsAtOnce(descriptor)
            return Lane(descriptor: descriptor, frame: frame(partition.partitionIndex))
        }
    }

    private func frame(_ index: Int32) -> Bytes {
        let request = PlainClient.record(Bytes([UInt8](repeating: 0x61, count: recordBytes)), topic, index, timeoutMs: 30_000)
        return encodeRequest(request, version: 7, correlationID: 1, clientID: "bench").bytes
    }

    /// Becomes readable each time that a record is due.
    private func timer(_ pause: Int64) throws -> Int32 {
        let descriptor = timerfd_create(CLOCK_MONOTONIC, Int32(TFD_CLOEXEC) | Int32(TFD_NONBLOCK))
        guard descriptor >= 0 else { throw ChildProcess.Failed(description: "no timer: \(systemMessage(errno))") }
        let step = timespec(tv_sec: Int(pause / 1_000_000_000), tv_nsec: Int(pause % 1_000_000_000))
        var rhythm = itimerspec(it_interval: step, it_value: step)
        timerfd_settime(descriptor, 0, &rhythm, nil)
        return descriptor
    }

    /// Until an answer comes or a record is due.
    private func wait(_ lanes: [Lane], _ timer: Int32) {
        var wanted = (lanes.map(\.descriptor) + [timer]).map { pollfd(fd: $0, events: Int16(POLLIN), revents: 0) }
        poll(&wanted, nfds_t(wanted.count), 1000)
        var times: UInt64 = 0
        _ = read(timer, &times, 8)
    }

    private func take(_ lane: inout Lane, _ buffer: inout [UInt8], _ begun: Int64, _ answered: inout [(at: Double, took: Double)]) throws {
        let got = recv(lane.descriptor, &buffer, buffer.count, Int32(MSG_DONTWAIT))
        if got < 0, errno == EAGAIN || errno == EINTR { return }
        guard got > 0 else { throw hungUp }
        let now = ticks()
        lane.arrived += buffer[..<got]
        var position = 0
        while position + 4 <= lane.arrived.count {
            let size = lane.arrived[position..<position + 4].reduce(0) { $0 << 8 | Int($1) }
            guard position + 4 + size <= lane.arrived.count else { break }
            let frame = Bytes(Array(lane.arrived[position + 4..<position + 4 + size]))
            let answer = try decodeResponse(frame, to: ProduceRequest.self, version: 7)
            guard answer.response.topics.first?.partitions.first?.errorCode == ErrorCode.none, lane.answered < lane.due.count else {
                throw ChildProcess.Failed(description: "a record was refused")
            }
            let due = lane.due[lane.answered]
            answered.append((Double(due - begun) / 1_000_000, Double(now - due) / 1000))
            lane.answered += 1
            position += 4 + size
        }
        lane.arrived.removeFirst(position)
    }
}
