import Controller
import Glibc
import Primitives
import Reactor
import Testing

@testable import BrokerServer

/// Keys and certificates that change while a node runs.
@Suite struct RenewableTLSTests {
    private let directory = temporaryDirectory()
    private var path: String { directory + "/store.pem" }

    init() throws { try PosixDisk().makeDirectory(directory) }

    /// Puts a file in its place at once, as whoever renews certificates should.
    private func put(_ text: String, at path: String) throws {
        let file = try #require(fopen(path + ".new", "w"))
        fputs(text, file)
        fclose(file)
        #expect(rename(path + ".new", path) == 0)
    }

    private func store() throws -> String {
        let identity = try CertificateAuthority(named: "ca").issue("broker", hosts: ["localhost"])
        return identity.key + identity.certificate
    }

    private func config(_ dynamic: [(String, String)] = []) throws -> BrokerConfig {
        var config = try BrokerConfig(
            [
                ("node.id", "1"), ("listeners", "SSL://127.0.0.1:0"), ("log.dirs", directory), ("ssl.keystore.type", "PEM"),
                ("ssl.keystore.location", path), ("inter.broker.listener.name", "SSL"),
            ])
        var own: OrderedMap<String, String> = OrderedMap()
        for (key, value) in dynamic { own[key] = value }
        config.applyDynamic(defaults: OrderedMap(), broker: own)
        return config
    }

    @Test func aFileThatChangesIsReadAgainForConnectionsToCome() throws {
        try put(try store(), at: path)
        let keys = try RenewableTLS("SSL", .server, try config())
        let first = keys.context
        #expect(keys.hasFiles && keys.renew() == .unchanged && keys.context === first)
        try put(try store(), at: path)
        #expect(keys.renew() == .renewed && keys.context !== first)
        #expect(keys.renew() == .unchanged)
        try PosixDisk().removeTree(directory)
    }

    @Test func whatCannotBeUsedIsSaidOnceAndTheOldOnesStay() throws {
        let good = try store()
        try put(good, at: path)
        let keys = try RenewableTLS("SSL", .server, try config())
        let first = keys.context
        try put("-----BEGIN CERTIFICATE-----\nhalf\n", at: path)
        guard case .failed(let why) = keys.renew() else {
            Issue.record("half a file was taken")
            return
        }
        #expect(why.contains("ssl.keystore") && keys.context === first)
        #expect(keys.renew() == .unchanged, "the same is not said again and again")
        #expect(unlink(path) == 0)
        guard case .failed = keys.renew() else {
            Issue.record("a file that is gone was taken")
            return
        }
        try put(good, at: path)
        #expect(keys.renew() == .renewed, "and it is tried until it does")
        try PosixDisk().removeTree(directory)
    }

    @Test func aSettingOfTheListenerComesBeforeTheFileOfTheNode() throws {
        try put(try store(), at: path)
        let keys = try RenewableTLS("SSL", .server, try config())
        let first = keys.context
        #expect(keys.renew(try config([("listener.name.other.ssl.keystore.location", "/none")])) == .unchanged)
        let second = directory + "/second.pem"
        try put(try store(), at: second)
        #expect(keys.renew(try config([("listener.name.ssl.ssl.keystore.location", second)])) == .renewed && keys.context !== first)
        // Taken back, the node's own file holds again.
        #expect(keys.renew(try config()) == .renewed)
        guard case .failed = keys.renew(try config([("listener.name.ssl.ssl.keystore.location", directory + "/none")])) else {
            Issue.record("a file that is not there was taken")
            return
        }
        try PosixDisk().removeTree(directory)
    }
}
