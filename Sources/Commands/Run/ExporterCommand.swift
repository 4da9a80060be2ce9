import CLinux
import Glibc
import Observatory
import Primitives
import Reactor

/// `kastellan exporter`: what is known of the cluster, for Prometheus. One small server: a request at a time, each within limits; what was
/// read is told again until it is older than `--refresh`.
struct ExporterCommand {
    static let requestBytesMax = 8 * 1024
    static let requestMs: Int32 = 5_000

    private let reading: ClusterReading
    private let refreshMs: Int64
    private let seriesMax: Int
    private var page = ""
    private var readAt = Instant.zero

    static func run(_ invocation: Invocation) throws(Failure) -> ExitStatus {
        let access = try ClusterAccess(invocation)
        var exporter = ExporterCommand(
            reading: ClusterReading(access: access), refreshMs: (invocation.integer("--refresh") ?? 15) * 1000,
            seriesMax: Int(invocation.integer("--max-series") ?? 200_000))
        return try exporter.serve(invocation.text("--listen") ?? "127.0.0.1:9308")
    }

    private init(reading: ClusterReading, refreshMs: Int64, seriesMax: Int) {
        (self.reading, self.refreshMs, self.seriesMax) = (reading, refreshMs, seriesMax)
    }

    private mutating func serve(_ address: String) throws(Failure) -> ExitStatus {
        let listener = try SmallListener(address)
        Streams.print("metrics=http://\(listener.address)/metrics\n")
        signal(SIGPIPE, SIG_IGN)
        while true {
            guard let client = listener.accept() else { continue }
            answer(client)
            close(client)
        }
    }

    private mutating func answer(_ client: Int32) {
        guard let line = SmallListener.requestLine(client) else { return }
        let words = line.split(separator: " ")
        guard words.count == 3, words[0] == "GET" || words[0] == "HEAD" else { return send(client, "405 Method Not Allowed", "GET only\n") }
        switch words[1].split(separator: "?").first {
        case "/metrics":
            refresh()
            send(client, "200 OK", words[0] == "HEAD" ? "" : page, type: "text/plain; version=0.0.4; charset=utf-8")
        case "/": send(client, "200 OK", "kastellan exporter: /metrics\n")
        default: send(client, "404 Not Found", "only /metrics is here\n")
        }
    }

    private func send(_ client: Int32, _ status: String, _ body: String, type: String = "text/plain; charset=utf-8") {
        let head = "HTTP/1.1 \(status)\r\nContent-Type: \(type)\r\nContent-Length: \(body.utf8.count)\r\nConnection: close\r\n\r\n"
        Streams.write(Array((head + body).utf8), to: client)
    }

    private mutating func refresh() {
        let now = SystemClock.instant()
        guard page.isEmpty || now.milliseconds(since: readAt) >= refreshMs else { return }
        var metrics = MetricsText(seriesMax: seriesMax)
        let started = now
        do throws(Failure) {
            let topics = try reading.read(Interest(.topics)) { snapshot in
                snapshot.topics.values.allSatisfy { topic in
                    topic.partitions.allSatisfy { $0.leader == nil || $0.startOffset != nil && $0.endOffset != nil }
                }
            }
            let groups = try reading.read(Interest(.groups)) { snapshot in
                snapshot.observations.groups.error != nil
                    || snapshot.observations.groups.time != nil
                        && snapshot.groups.values.allSatisfy { group in
                            group.error != nil || !GroupSnapshot.readableTypes.contains(group.type)
                                || group.offsetsObservation.time != nil && group.partitions.allSatisfy { $0.end != nil || $0.error != nil }
                        }
            }
            metrics.add(up: true)
            metrics.add(cluster: topics)
            metrics.add(groups: groups)
        } catch {
            Streams.complain(error.message)
            metrics.add(up: false)
        }
        readAt = SystemClock.instant()
        metrics.add(seconds: Double(readAt.milliseconds(since: started)) / 1000)
        page = metrics.text
    }
}

/// A listening socket that takes one caller at a time.
struct SmallListener {
    let descriptor: Int32
    let address: String

    init(_ text: String) throws(Failure) {
        guard let colon = text.lastIndex(of: ":"), let port = Int(text[text.index(after: colon)...]), (0...65_535).contains(port) else {
            throw .usage("--listen: \"\(text)\" is not HOST:PORT")
        }
        let host = String(text[..<colon])
        let name = host.isEmpty ? "127.0.0.1" : host
        do throws(SocketError) {
            descriptor = try Socket.listen(host: name, port: port, backlog: 16)
            address = "\(name):\(Socket.localAddress(descriptor).port)"
        } catch {
            throw Failure(.error, "--listen \(text): \(error)")
        }
    }

    func accept() -> Int32? {
        var wanted = pollfd(fd: descriptor, events: Int16(POLLIN), revents: 0)
        guard poll(&wanted, 1, -1) == 1 else { return nil }
        let client = Glibc.accept(descriptor, nil, nil)
        guard client >= 0 else { return nil }
        var limit = timeval(tv_sec: Int(ExporterCommand.requestMs) / 1000, tv_usec: 0)
        for option in [SO_RCVTIMEO, SO_SNDTIMEO] {
            setsockopt(client, SOL_SOCKET, option, &limit, socklen_t(MemoryLayout<timeval>.size))
        }
        return client
    }

    /// The first line of a request whose head came whole, in time and within the limit; nil otherwise.
    static func requestLine(_ client: Int32) -> String? {
        var bytes: [UInt8] = []
        var chunk = [UInt8](repeating: 0, count: 2048)
        let deadline = SystemClock.instant().adding(milliseconds: Int64(ExporterCommand.requestMs))
        while bytes.count <= ExporterCommand.requestBytesMax, SystemClock.instant() < deadline {
            let count = read(client, &chunk, chunk.count)
            if count <= 0 { return nil }
            bytes += chunk.prefix(count)
            let text = String(decoding: bytes, as: UTF8.self)
            let lines = text.unicodeScalars.split(separator: "\n", omittingEmptySubsequences: false)
            guard lines.dropLast().contains(where: { $0.isEmpty || $0.elementsEqual(["\r"]) }) else { continue }
            return String(String.UnicodeScalarView(lines[0].filter { $0 != "\r" }))
        }
        return nil
    }
}
