import CLinux
import Glibc
import Primitives

/// Why a socket could not be had, with the system's own words.
package struct SocketError: Error, Equatable, Sendable, CustomStringConvertible {
    package let code: Int32
    package let what: String
    package init(code: Int32 = errno, _ what: String) {
        self.code = code
        self.what = what
    }
    package var isAddressInUse: Bool { code == EADDRINUSE }
    package var description: String { code == 0 ? what : "\(what): \(systemMessage(code))" }
}

/// A numeric address and port.
package struct SocketAddress: Sendable {
    var storage = sockaddr_storage()
    var length: socklen_t = 0

    var family: Int32 { Int32(storage.ss_family) }

    func withPointer<R>(_ body: (UnsafePointer<sockaddr>) -> R) -> R {
        withUnsafePointer(to: storage) { $0.withMemoryRebound(to: sockaddr.self, capacity: 1) { body($0) } }
    }

    /// Resolves a name; blocks while it asks. An empty host means all addresses when `passive`.
    package static func resolve(_ host: String, port: Int, passive: Bool = false) throws(SocketError) -> [SocketAddress] {
        var hints = addrinfo()
        hints.ai_socktype = Int32(SOCK_STREAM.rawValue)
        hints.ai_flags = passive ? AI_PASSIVE : 0
        var found: UnsafeMutablePointer<addrinfo>?
        let code = getaddrinfo(host.isEmpty ? nil : host, String(port), &hints, &found)
        guard code == 0 else { throw SocketError(code: 0, "cannot resolve \(host): \(String(cString: gai_strerror(code)))") }
        defer { freeaddrinfo(found) }
        var addresses: [SocketAddress] = []
        var next = found
        while let info = next {
            var address = SocketAddress()
            address.length = info.pointee.ai_addrlen
            memcpy(&address.storage, info.pointee.ai_addr, Int(address.length))
            addresses.append(address)
            next = info.pointee.ai_next
        }
        return addresses
    }

    /// The address that `host` spells in figures, without asking anybody; nil where it is a name.
    package static func numeric(_ host: String, port: Int) -> SocketAddress? {
        var hints = addrinfo()
        hints.ai_socktype = Int32(SOCK_STREAM.rawValue)
        hints.ai_flags = AI_NUMERICHOST | AI_NUMERICSERV
        var found: UnsafeMutablePointer<addrinfo>?
        guard getaddrinfo(host, String(port), &hints, &found) == 0, let info = found else { return nil }
        defer { freeaddrinfo(found) }
        var address = SocketAddress()
        address.length = info.pointee.ai_addrlen
        memcpy(&address.storage, info.pointee.ai_addr, Int(address.length))
        return address
    }

    /// A name by which this machine reaches itself and, with luck, others reach it: its host name where that resolves, else the loopback
    /// address.
    package static var localHostName: String {
        var buffer = [CChar](repeating: 0, count: 256)
        guard gethostname(&buffer, buffer.count - 1) == 0 else { return "127.0.0.1" }
        let name = buffer.withUnsafeBufferPointer { String(cString: $0.baseAddress!) }
        guard let found = try? resolve(name, port: 0), !found.isEmpty else { return "127.0.0.1" }
        return name
    }

    package var host: String {
        var buffer = [CChar](repeating: 0, count: Int(NI_MAXHOST))
        let code = withPointer { getnameinfo($0, length, &buffer, socklen_t(buffer.count), nil, 0, NI_NUMERICHOST) }
        guard code == 0 else { return "unknown" }
        let text = buffer.withUnsafeBufferPointer { String(cString: $0.baseAddress!) }
        // An IPv4 client of a dual-stack listener shows as its IPv4 address.
        return text.hasPrefix("::ffff:") ? String(text.dropFirst(7)) : text
    }

    /// Of this machine, whatever its name.
    package var isLoopback: Bool {
        switch family {
        case AF_INET: withUnsafeBytes(of: storage) { $0[4] == 127 }
        case AF_INET6: host == "::1"
        default: false
        }
    }

    package var port: Int {
        switch family {
        case AF_INET: withUnsafeBytes(of: storage) { Int(UInt16(bigEndian: $0.load(fromByteOffset: 2, as: UInt16.self))) }
        case AF_INET6: withUnsafeBytes(of: storage) { Int(UInt16(bigEndian: $0.load(fromByteOffset: 2, as: UInt16.self))) }
        default: 0
        }
    }
}

/// System calls on TCP sockets. All sockets are non-blocking and close on exec.
package enum Socket {
    private static func make(_ address: SocketAddress) throws(SocketError) -> Int32 {
        let flags = Int32(SOCK_STREAM.rawValue) | Int32(SOCK_NONBLOCK.rawValue) | Int32(SOCK_CLOEXEC.rawValue)
        let descriptor = socket(address.family, flags, 0)
        guard descriptor >= 0 else { throw SocketError("cannot open a socket") }
        return descriptor
    }

    /// A listening socket; port 0 picks a free one (`localAddress` tells which).
    package static func listen(host: String, port: Int, backlog: Int) throws(SocketError) -> Int32 {
        let addresses = try SocketAddress.resolve(host, port: port, passive: true)
        // All addresses: the IPv6 wildcard takes IPv4 too, where the machine has IPv6 at all.
        let ordered = host.isEmpty ? addresses.filter { $0.family == AF_INET6 } + addresses.filter { $0.family != AF_INET6 } : addresses
        var last = SocketError(code: 0, "no address for \(host)")
        for address in ordered {
            do throws(SocketError) { return try listen(address, backlog: backlog, name: "\(host):\(port)") } catch { last = error }
            if last.isAddressInUse { break }
        }
        throw last
    }

    private static func listen(_ address: SocketAddress, backlog: Int, name: String) throws(SocketError) -> Int32 {
        let descriptor = try make(address)
        set(descriptor, SOL_SOCKET, SO_REUSEADDR, 1)
        if address.family == AF_INET6 { set(descriptor, Int32(IPPROTO_IPV6), IPV6_V6ONLY, 0) }
        let bound = address.withPointer { bind(descriptor, $0, address.length) }
        guard bound == 0, Glibc.listen(descriptor, Int32(clamping: backlog)) == 0 else {
            let error = SocketError("cannot listen on \(name)")
            Glibc.close(descriptor)
            throw error
        }
        return descriptor
    }

    /// Begins to connect; the descriptor becomes writable when it is done, and `pendingError` then tells how it went.
    package static func connect(_ address: SocketAddress) throws(SocketError) -> Int32 {
        let descriptor = try make(address)
        sendsAtOnce(descriptor)
        let result = address.withPointer { Glibc.connect(descriptor, $0, address.length) }
        guard result == 0 || errno == EINPROGRESS else {
            let error = SocketError("cannot connect to \(address.host):\(address.port)")
            Glibc.close(descriptor)
            throw error
        }
        return descriptor
    }

    /// What became of a connect: nil when it succeeded.
    package static func pendingError(_ descriptor: Int32) -> SocketError? {
        var code: Int32 = 0
        var size = socklen_t(4)
        getsockopt(descriptor, SOL_SOCKET, SO_ERROR, &code, &size)
        return code == 0 ? nil : SocketError(code: code, "connection failed")
    }

    /// A waiting connection, or nil when there is none (or it is gone already).
    package static func accept(_ listener: Int32) throws(SocketError) -> (descriptor: Int32, peer: SocketAddress)? {
        var peer = SocketAddress()
        var length = socklen_t(MemoryLayout<sockaddr_storage>.size)
        let descriptor = withUnsafeMutablePointer(to: &peer.storage) { pointer in
            pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) { Glibc.accept(listener, $0, &length) }
        }
        peer.length = length
        guard descriptor >= 0 else {
            if [EAGAIN, EINTR, ECONNABORTED].contains(errno) { return nil }
            throw SocketError("cannot accept")
        }
        _ = fcntl(descriptor, F_SETFD, FD_CLOEXEC)
        _ = fcntl(descriptor, F_SETFL, O_NONBLOCK)
        if peer.family != AF_UNIX { sendsAtOnce(descriptor) }
        return (descriptor, peer)
    }

    package static func localAddress(_ descriptor: Int32) -> SocketAddress {
        var address = SocketAddress()
        var length = socklen_t(MemoryLayout<sockaddr_storage>.size)
        withUnsafeMutablePointer(to: &address.storage) { pointer in
            pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) { _ = getsockname(descriptor, $0, &length) }
        }
        address.length = length
        return address
    }

    /// Two connected, non-blocking stream sockets.
    package static func pair() throws(SocketError) -> (Int32, Int32) {
        var pair: [Int32] = [0, 0]
        let flags = Int32(SOCK_STREAM.rawValue) | Int32(SOCK_NONBLOCK.rawValue) | Int32(SOCK_CLOEXEC.rawValue)
        guard socketpair(AF_UNIX, flags, 0, &pair) == 0 else { throw SocketError("no socket pair") }
        return (pair[0], pair[1])
    }

    /// Kernel buffers of a socket; -1 leaves the system's own choice.
    package static func setBuffers(_ descriptor: Int32, send: Int, receive: Int) {
        if send > 0 { set(descriptor, SOL_SOCKET, SO_SNDBUF, Int32(clamping: send)) }
        if receive > 0 { set(descriptor, SOL_SOCKET, SO_RCVBUF, Int32(clamping: receive)) }
    }

    /// Small writes leave at once (TCP_NODELAY), and do not wait for the answer to the one before.
    package static func sendsAtOnce(_ descriptor: Int32) { set(descriptor, Int32(IPPROTO_TCP), TCP_NODELAY, 1) }

    package static func close(_ descriptor: Int32) { Glibc.close(descriptor) }

    private static func set(_ descriptor: Int32, _ level: Int32, _ option: Int32, _ value: Int32) {
        var value = value
        setsockopt(descriptor, level, option, &value, socklen_t(4))
    }
}
