import CLinux
import Glibc
import Primitives

/// Asks a web service and waits for its answer: HTTP/1.1, one exchange a connection, over TLS where the address says `https`. For the few
/// small answers of a schema registry, on a thread that may block. (libcurl would bring thirty libraries into every start of the program,
/// which takes longer than the first frame may.)
///
/// Bounded: an answer is at most `bodyMax` bytes, each wait on the socket `timeoutMs`, the exchange four times that. No redirects are
/// followed: they could lead credentials elsewhere.
package struct HTTPClient: Sendable {
    package struct Failure: Error, Equatable, Sendable {
        package var message: String
        package init(_ message: String) { self.message = message }
    }
    package struct Response: Equatable, Sendable {
        package var status: Int
        package var body: [UInt8]
    }

    package static let bodyMax = 8 << 20
    package static let json = "application/json"
    private static let headMax = 64 << 10

    package let host: String
    package let port: Int
    package let isSecure: Bool
    /// What stands before every path, without a slash at its end.
    package let prefix: String
    private let authorization: String?
    private let tls: TLSContext?
    private let timeoutMs: Int64
    /// What is sent, and what is wanted first.
    private let mediaType: String

    /// `http[s]://[USER:PASSWORD@]HOST[:PORT][/PATH]`. `authorization` is the header's value, before a user in the address.
    package init(
        _ address: String, authorization: String? = nil, tls: TLSOptions = TLSOptions(), timeoutMs: Int64 = 10_000,
        mediaType: String = "application/vnd.schemaregistry.v1+json"
    ) throws(Failure) {
        self.mediaType = mediaType
        var rest = Substring(address)
        if rest.hasPrefix("https://") {
            isSecure = true
            rest = rest.dropFirst(8)
        } else if rest.hasPrefix("http://") {
            isSecure = false
            rest = rest.dropFirst(7)
        } else {
            throw Failure("\(HTTPClient.withoutUser(address)) does not begin with http:// or https://")
        }
        let slash = rest.firstIndex(of: "/") ?? rest.endIndex
        var path = rest[slash...]
        while path.hasSuffix("/") { path = path.dropLast() }
        prefix = String(path)
        var place = rest[..<slash]
        var user: String?
        if let at = place.lastIndex(of: "@") {
            user = String(place[..<at])
            place = place[place.index(after: at)...]
        }
        self.authorization = authorization ?? user.map { "Basic " + HTTPClient.base64(Array($0.utf8)) }
        if place.hasPrefix("["), let end = place.firstIndex(of: "]") {
            host = String(place[place.index(after: place.startIndex)..<end])
            place = place[place.index(after: end)...]
        } else {
            let colon = place.firstIndex(of: ":") ?? place.endIndex
            host = String(place[..<colon])
            place = place[colon...]
        }
        let number = place.hasPrefix(":") ? Int(place.dropFirst()) : isSecure ? 443 : 80
        guard let number, (1...65535).contains(number), !host.isEmpty else {
            throw Failure("\(HTTPClient.withoutUser(address)) names no host and port")
        }
        port = number
        self.timeoutMs = timeoutMs
        do throws(TLSError) {
            self.tls = isSecure ? try TLSContext(tls, .client) : nil
        } catch {
            throw Failure(error.description)
        }
    }

    package static func basic(_ user: String, _ password: String) -> String { "Basic " + base64(Array("\(user):\(password)".utf8)) }

    /// For messages: never with what may be a password.
    package static func withoutUser(_ address: String) -> String {
        guard let at = address.lastIndex(of: "@") else { return address }
        return "…" + address[at...]
    }

    /// `path` begins with a slash and is encoded already. A `body` of JSON makes it a POST where no other method is said.
    package func request(_ path: String, method: String? = nil, body: String? = nil) throws(Failure) -> Response {
        let descriptor = try connect()
        defer { close(descriptor) }
        var line = Line(descriptor: descriptor, session: nil, deadline: SystemClock.instant().adding(milliseconds: 4 * timeoutMs))
        if let tls {
            do throws(TLSError) { line.session = try tls.session(descriptor, host: host) } catch { throw Failure(error.description) }
            try line.handshake()
        }
        let verb = method ?? (body == nil ? "GET" : "POST")
        var head =
            "\(verb) \(prefix)\(path) HTTP/1.1\r\nHost: \(host.contains(":") ? "[\(host)]" : host):\(port)\r\n"
        let wanted = mediaType == HTTPClient.json ? mediaType : "\(mediaType), \(HTTPClient.json)"
        head += "Accept: \(wanted)\r\nUser-Agent: kastellan\r\nConnection: close\r\n"
        if let authorization { head += "Authorization: \(authorization)\r\n" }
        if let body { head += "Content-Type: \(mediaType)\r\nContent-Length: \(body.utf8.count)\r\n" }
        try line.write(Array((head + "\r\n" + (body ?? "")).utf8))
        let response = try answer(&line)
        line.session?.shutDown()
        return response
    }

    private func connect() throws(Failure) -> Int32 {
        let addresses: [SocketAddress]
        do throws(SocketError) { addresses = try SocketAddress.resolve(host, port: port) } catch { throw Failure(error.description) }
        var reason = "\(host) has no address"
        for address in addresses {
            let descriptor = socket(address.family, Int32(SOCK_STREAM.rawValue) | Int32(SOCK_CLOEXEC.rawValue), 0)
            guard descriptor >= 0 else { continue }
            var limit = timeval(tv_sec: Int(timeoutMs / 1000), tv_usec: Int(timeoutMs % 1000 * 1000))
            // Where connecting is concerned too, Linux keeps to the limit of sending.
            setsockopt(descriptor, SOL_SOCKET, SO_RCVTIMEO, &limit, socklen_t(MemoryLayout<timeval>.size))
            setsockopt(descriptor, SOL_SOCKET, SO_SNDTIMEO, &limit, socklen_t(MemoryLayout<timeval>.size))
            if address.withPointer({ Glibc.connect(descriptor, $0, address.length) }) == 0 { return descriptor }
            reason = "cannot connect to \(host):\(port): \(errno == EINPROGRESS ? "it does not answer" : systemMessage(errno))"
            close(descriptor)
        }
        throw Failure(reason)
    }

    // MARK: The answer

    private func answer(_ line: inout Line) throws(Failure) -> Response {
        var bytes: [UInt8] = []
        let mark: [UInt8] = [0x0D, 0x0A, 0x0D, 0x0A]
        var end: Int?
        while end == nil {
            guard bytes.count < HTTPClient.headMax, try line.read(&bytes) else { throw Failure("\(host):\(port) does not speak HTTP") }
            end = HTTPClient.find(mark, in: bytes)
        }
        let lines = String(decoding: bytes[..<(end ?? 0)], as: UTF8.self).split(separator: "\r\n", omittingEmptySubsequences: true)
        let words = (lines.first ?? "").split(separator: " ")
        guard words.count >= 2, words[0].hasPrefix("HTTP/1."), let status = Int(words[1]) else {
            throw Failure("\(host):\(port) does not speak HTTP")
        }
        var length: Int?
        var isChunked = false
        for header in lines.dropFirst() {
            guard let colon = header.firstIndex(of: ":") else { continue }
            let value = header[header.index(after: colon)...].drop { $0 == " " }
            switch header[..<colon].lowercased() {
            case "content-length": length = Int(value)
            case "transfer-encoding": isChunked = value.lowercased().hasSuffix("chunked")
            default: break
            }
        }
        var body = Array(bytes[((end ?? 0) + 4)...])
        // A connection that closes ends every body; a length only ends the wait earlier.
        while !isChunked || !HTTPClient.endsChunks(body) {
            if let length, !isChunked, body.count >= length { break }
            guard body.count <= HTTPClient.bodyMax else {
                throw Failure("\(host):\(port) answers with more than \(HTTPClient.bodyMax) bytes")
            }
            guard try line.read(&body) else { break }
        }
        if isChunked {
            guard let whole = HTTPClient.unchunked(body) else { throw Failure("\(host):\(port) broke off its answer") }
            return Response(status: status, body: whole)
        }
        if let length {
            guard length >= 0, body.count >= length else { throw Failure("\(host):\(port) broke off its answer") }
            body.removeLast(body.count - length)
        }
        return Response(status: status, body: body)
    }

    private static func find(_ part: [UInt8], in bytes: [UInt8]) -> Int? {
        guard bytes.count >= part.count else { return nil }
        return (0...(bytes.count - part.count)).first { bytes[$0..<$0 + part.count].elementsEqual(part) }
    }

    private static func endsChunks(_ body: [UInt8]) -> Bool {
        body.suffix(5).elementsEqual(Array("0\r\n\r\n".utf8)) && unchunked(body) != nil
    }

    /// Nil where it is cut short or no chunks.
    static func unchunked(_ body: [UInt8]) -> [UInt8]? {
        var out: [UInt8] = []
        var rest = body[...]
        while let end = rest.firstIndex(of: 0x0D) {
            let digits = String(decoding: rest[..<end].prefix { $0 != UInt8(ascii: ";") }, as: UTF8.self)
            guard let count = Int(digits, radix: 16), count >= 0, count <= bodyMax else { return nil }
            if count == 0 { return out }
            let start = end + 2
            guard rest.endIndex - start >= count + 2 else { return nil }
            out += rest[start..<start + count]
            rest = rest[(start + count + 2)...]
        }
        return nil
    }

    static func base64(_ bytes: [UInt8]) -> String {
        let letters = Array("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/".utf8)
        var out: [UInt8] = []
        for place in stride(from: 0, to: bytes.count, by: 3) {
            let group = (0..<3).reduce(0) { $0 << 8 | (place + $1 < bytes.count ? Int(bytes[place + $1]) : 0) }
            for index in 0..<4 { out.append(place + index <= bytes.count ? letters[group >> (18 - 6 * index) & 63] : UInt8(ascii: "=")) }
        }
        return String(decoding: out, as: UTF8.self)
    }

    /// The bytes of a connection, in clear or under TLS.
    private struct Line {
        let descriptor: Int32
        var session: TLSSession?
        let deadline: Instant

        func handshake() throws(Failure) {
            switch session?.handshake() {
            case .failed(let reason): throw Failure(reason)
            case .wantsRead, .wantsWrite: throw Failure("no TLS handshake in time")
            default: break
            }
        }

        func write(_ bytes: [UInt8]) throws(Failure) {
            var rest = bytes[...]
            while !rest.isEmpty {
                let count = rest.withUnsafeBytes { raw -> Int in
                    guard let session else { return send(descriptor, raw.baseAddress, raw.count, Int32(MSG_NOSIGNAL)) }
                    if case .done(let count) = session.write(raw) { return count }
                    return -1
                }
                guard count > 0 else { throw Failure("the request could not be sent: \(systemMessage(errno))") }
                rest = rest.dropFirst(count)
            }
        }

        /// False at the end.
        func read(_ bytes: inout [UInt8]) throws(Failure) -> Bool {
            guard SystemClock.instant() < deadline else { throw Failure("no whole answer in time") }
            var chunk = [UInt8](repeating: 0, count: 16 << 10)
            let outcome = chunk.withUnsafeMutableBytes { raw -> TLSSession.Outcome in
                if let session { return session.read(raw) }
                let count = recv(descriptor, raw.baseAddress, raw.count, 0)
                return count > 0 ? .done(count) : count == 0 ? .ended : errno == EAGAIN ? .wantsRead : .failed(systemMessage(errno))
            }
            switch outcome {
            case .done(let count):
                bytes += chunk[..<count]
                return true
            case .ended: return false
            case .wantsRead, .wantsWrite: throw Failure("no answer in time")
            case .failed(let reason): throw Failure(reason)
            }
        }
    }
}
