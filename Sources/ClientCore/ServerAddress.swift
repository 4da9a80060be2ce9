import Primitives

/// A broker's host and port.
package struct ServerAddress: Hashable, Comparable, Sendable, CustomStringConvertible {
    package var host: String
    package var port: Int32

    package init(host: String, port: Int32) {
        self.host = host
        self.port = port
    }

    package static func < (a: ServerAddress, b: ServerAddress) -> Bool { a.host == b.host ? a.port < b.port : a.host < b.host }
    package var description: String { host.utf8.contains(UInt8(ascii: ":")) ? "[\(host)]:\(port)" : "\(host):\(port)" }

    /// One of `host:port`, `host` (port 9092), `[v6]:port`, with or without a `PLAINTEXT://` before it.
    package init?(_ text: String) {
        var rest = Substring(text)
        if let scheme = rest.firstRange(of: "://") { rest = rest[scheme.upperBound...] }
        if rest.first == "[" {
            guard let close = rest.firstIndex(of: "]") else { return nil }
            let after = rest[rest.index(after: close)...]
            guard let port = ServerAddress.port(after) else { return nil }
            self.init(host: String(rest[rest.index(after: rest.startIndex)..<close]), port: port)
            return
        }
        let colon = rest.firstIndex(of: ":") ?? rest.endIndex
        guard colon != rest.startIndex, let port = ServerAddress.port(rest[colon...]) else { return nil }
        self.init(host: String(rest[..<colon]), port: port)
    }

    private static func port(_ text: Substring) -> Int32? {
        if text.isEmpty { return 9092 }
        guard text.first == ":", let port = Int32(text.dropFirst()), (1...65535).contains(port) else { return nil }
        return port
    }

    /// A comma-separated list, as in `bootstrap.servers`; nil where an entry is no address or there is none.
    package static func list(_ text: String) -> [ServerAddress]? {
        var addresses: [ServerAddress] = []
        for entry in text.split(separator: ",") {
            var part = entry
            while part.first == " " { part.removeFirst() }
            while part.last == " " { part.removeLast() }
            guard let address = ServerAddress(String(part)) else { return nil }
            addresses.append(address)
        }
        return addresses.isEmpty ? nil : addresses
    }
}
