import Glibc
import Primitives
import Storage
import Synchronization
import Testing

@testable import Reactor

/// An authority, a server's certificate for `localhost`, and contexts made of them.
private struct Castle {
    let authority: CertificateAuthority
    let server: PEMIdentity

    init() throws {
        authority = try CertificateAuthority(named: "Test authority")
        server = try authority.issue("broker", hosts: ["localhost", "127.0.0.1"])
    }

    func serverContext(_ change: (inout TLSOptions) -> Void = { _ in }) throws -> TLSContext {
        var options = TLSOptions()
        (options.chain, options.key) = (server.certificate, server.key)
        options.trusted = authority.identity.certificate
        change(&options)
        return try TLSContext(options, .server)
    }

    func clientContext(_ change: (inout TLSOptions) -> Void = { _ in }) throws -> TLSContext {
        var options = TLSOptions()
        options.trusted = authority.identity.certificate
        change(&options)
        return try TLSContext(options, .client)
    }
}

/// Two channels on the ends of a socket pair, one loop for both.
private final class Wire: Sendable {
    struct Seen {
        var secured = 0
        var closed: [String?] = []
        var frames: [Int] = []
        var peerName: String?
    }

    let loop = EventLoop()
    let seen = Mutex(Seen())
    let near: LoopBound<FrameChannel>
    let far: LoopBound<FrameChannel>

    init(server: TLSContext?, client: TLSContext?, host: String? = "localhost") throws {
        let (a, b) = try Socket.pair()
        loop.start()
        let loop = loop
        near = try loop.call { Result { LoopBound(try FrameChannel(a, loop, tls: server, frameBytesMax: 64 << 20), loop) } }.get()
        far = try loop.call {
            Result { LoopBound(try FrameChannel(b, loop, tls: client, host: host, frameBytesMax: 64 << 20), loop) }
        }.get()
        let (near, far) = (near, far)
        loop.call {
            for channel in [near.value, far.value] {
                channel.onSecured = { [weak self] in self?.seen.withLock { $0.secured += 1 } }
                channel.onClose = { [weak self] reason in self?.seen.withLock { $0.closed.append(reason) } }
            }
            near.value.onFrame = { [weak self] frame in self?.seen.withLock { $0.frames.append(frame.count) } }
            far.value.onFrame = { [weak self] frame in self?.seen.withLock { $0.frames.append(-frame.count) } }
            near.value.open()
            far.value.open()
        }
    }

    func end() {
        loop.call { [near, far] in
            near.value.close(nil)
            far.value.close(nil)
        }
        loop.end()
    }

    func settle(_ condition: (Seen) -> Bool) -> Bool {
        for _ in 0..<5000 {
            loop.call {}
            if seen.withLock({ condition($0) }) { return true }
            usleep(100)
        }
        return false
    }
}

/// A frame of `count` bytes with its size before it.
private func frame(_ count: Int) -> Bytes {
    Bytes(withUnsafeBytes(of: Int32(count).bigEndian, Array.init) + (0..<count).map { UInt8(truncatingIfNeeded: $0) })
}

@Test func framesPassInTLSBothWays() throws {
    let castle = try Castle()
    let wire = try Wire(server: try castle.serverContext(), client: try castle.clientContext())
    defer { wire.end() }
    #expect(wire.settle { $0.secured == 2 })
    let (near, far) = (wire.near, wire.far)
    wire.loop.call {
        #expect(near.value.tlsVersion == "TLSv1.3")
        far.value.send([.bytes(frame(10)), .bytes(frame(300_000)), .bytes(frame(0))])
        near.value.send([.bytes(frame(200_000))])
    }
    #expect(wire.settle { $0.frames.count == 4 })
    #expect(wire.seen.withLock { $0.frames.sorted() } == [-200_000, 0, 10, 300_000])
}

/// A paused channel keeps what TLS has decrypted already, and delivers it without anything new arriving.
@Test func aPausedTLSChannelDeliversTheRestOnResume() throws {
    let castle = try Castle()
    let wire = try Wire(server: try castle.serverContext(), client: try castle.clientContext())
    defer { wire.end() }
    #expect(wire.settle { $0.secured == 2 })
    let (near, far) = (wire.near, wire.far)
    wire.loop.call {
        near.value.onFrame = { [weak wire] frame in
            wire?.seen.withLock { $0.frames.append(frame.count) }
            near.value.pause()
        }
        far.value.send((0..<200).map { .bytes(frame(900 + $0)) })
    }
    for count in 1...200 {
        #expect(wire.settle { $0.frames.count == count })
        wire.loop.call { near.value.resume() }
    }
    #expect(wire.seen.withLock { $0.frames } == (0..<200).map { 900 + $0 })
}

@Test func aFilesBytesAreEncryptedOnTheirWay() throws {
    let castle = try Castle()
    let wire = try Wire(server: try castle.serverContext(), client: try castle.clientContext())
    defer { wire.end() }
    let disk = PosixDisk()
    let directory = try #require(PosixDisk.makeTemporaryDirectory("/tmp/kastellan-tls-"))
    defer { try? disk.removeTree(directory) }
    let file = try disk.open("\(directory)/a", create: true)
    let body = Array(frame(1_500_000).withUnsafeBytes { Array($0) })
    try file.write([Bytes(body)], at: 7)
    #expect(wire.settle { $0.secured == 2 })
    let near = wire.near
    wire.loop.call {
        near.value.send([.file(file, position: 7, length: 100), .file(file, position: 107, length: body.count - 100)])
    }
    #expect(wire.settle { $0.frames == [-1_500_000] })
}

@Test func aClientsCertificateNamesIt() throws {
    let castle = try Castle()
    let alice = try castle.authority.issue("alice")
    let server = try castle.serverContext { $0.clientAuth = .required }
    let client = try castle.clientContext { ($0.chain, $0.key) = (alice.certificate, alice.key) }
    let wire = try Wire(server: server, client: client)
    defer { wire.end() }
    #expect(wire.settle { $0.secured == 2 })
    let near = wire.near
    #expect(wire.loop.call { near.value.peerName } == "CN=alice")
}

@Test func whoIsNotBelievedIsTold() throws {
    let castle = try Castle()
    let other = try Castle()
    func refusal(_ server: TLSContext?, _ client: TLSContext?, host: String = "localhost") throws -> [String] {
        let wire = try Wire(server: server, client: client, host: host)
        defer { wire.end() }
        if client == nil {
            let far = wire.far
            wire.loop.call { far.value.send([.bytes(frame(64))]) }
        }
        #expect(wire.settle { $0.closed.count == 2 })
        return wire.seen.withLock { $0.closed.compactMap { $0 } }
    }
    let plain = try castle.serverContext()
    #expect(try refusal(plain, try other.clientContext()).contains { $0.contains("certificate verify failed") })
    #expect(try refusal(plain, try castle.clientContext(), host: "elsewhere").contains { $0.contains("hostname mismatch") })
    #expect(try refusal(plain, try castle.clientContext(), host: "127.0.0.2").contains { $0.contains("IP address mismatch") })
    let strict = try castle.serverContext { $0.clientAuth = .required }
    #expect(try refusal(strict, try castle.clientContext()).contains { $0.contains("did not return a certificate") })
    let stranger = try other.authority.issue("mallory")
    let shown = try castle.clientContext { ($0.chain, $0.key) = (stranger.certificate, stranger.key) }
    #expect(try refusal(strict, shown).contains { $0.contains("certificate verify failed") })
    #expect(try refusal(plain, nil).contains { $0.contains("TLS handshake failed") || $0.contains("speaks TLS") })
    let old = try castle.serverContext { $0.versions = [.v12] }
    #expect(try refusal(old, try castle.clientContext { $0.versions = [.v13] }).contains { $0.contains("version") })
}

@Test func badKeysAreNamedBeforeAnybodyConnects() throws {
    let castle = try Castle()
    let other = try Castle()
    func problem(_ change: (inout TLSOptions) -> Void) -> String {
        do {
            _ = try castle.serverContext(change)
            return ""
        } catch { return "\(error)" }
    }
    #expect(problem { $0.key = other.server.key }.contains("not that of the certificate"))
    #expect(problem { $0.chain = "nonsense" }.contains("no certificate in it"))
    #expect(problem { $0.key = "nonsense" }.contains("no private key"))
    #expect(problem { $0.trusted = "" }.contains("ssl.truststore"))
    #expect(problem { $0.ciphers = ["NO-SUCH"] }.contains("ssl.cipher.suites"))
    #expect(problem { ($0.chain, $0.key) = (nil, nil) }.contains("no certificate"))
    #expect(problem { $0.ciphers = ["TLS_AES_256_GCM_SHA384", "TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256"] } == "")
    let keys: [String: String] = ["ssl.keystore.location": "/nowhere.jks"]
    #expect(throws: TLSError("ssl.keystore.type=JKS: only PEM can be read; convert the store, and set ssl.keystore.type=PEM")) {
        try TLSOptions { keys[$0] }
    }
}
