import Primitives
import Reactor
import Testing
import Wire

/// SCRAM against RFC 7677's example and an exchange that Kafka 4.3 had with a client.
@Suite struct ScramTests {
    private struct Example {
        var mechanism: ScramMechanism
        var user: String
        var password: String
        var clientNonce: String
        var serverNonce: String
        var salt: String
        var iterations: Int
        var proof: String
        var verifier: String

        var credential: ScramCredential {
            ScramCredential(mechanism, password: password, salt: Base64.decode(salt.utf8)!, iterations: iterations, .system)
        }
        var challenge: String { "r=\(clientNonce)\(serverNonce),s=\(salt),i=\(iterations)" }
        var final: String { "c=biws,r=\(clientNonce)\(serverNonce),p=\(proof)" }
    }

    private static let examples = [
        // RFC 7677, section 3.
        Example(
            mechanism: .sha256, user: "user", password: "pencil", clientNonce: "rOprNGfwEbeRWgbNEkqO",
            serverNonce: "%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0", salt: "W22ZaJ0SNY7soEsUEjb6gQ==", iterations: 4096,
            proof: "dHzbZapWIk4jUhN+Ute9ytag9zjfMHgsqmmiz7AndVQ=", verifier: "6rriTRBi23WpRR/wtup+mMhUZUn/dB5nLTJRsjl95G4="),
        // kafka-python with Kafka.
        Example(
            mechanism: .sha512, user: "alice", password: "alice-secret", clientNonce: "9fe19ead8858411f9b8381e478b4df4b",
            serverNonce: "uoqc4fs1v8h1atj06fxgovdy3", salt: "dGIxN3Fra3Z0azU1ZHFxZ2EzcWQ1a2xzaw==", iterations: 8192,
            proof: "cLoSI/E5YGrKH5yQr9QRld2JZu51n3srh7h9CI7+gp0DKis5P34xqTPKN7zZ9cv9clpLBCg8UO+bOL+6Zeu5DA==",
            verifier: "J/U5gdEKZoVXd2bTMKRQpm+A56NpNzt8If1UIEsdQbPo5DCh+ITQHGZzqdMyi4/0NGL1CFg6wgmSWgiFYhtpTA=="),
    ]

    private func text(_ bytes: [UInt8]) -> String { String(decoding: bytes, as: UTF8.self) }

    @Test func aClientSaysWhatTheExamplesSay() throws {
        for example in ScramTests.examples {
            var client = ScramClient(
                example.mechanism, user: example.user, password: example.password, nonce: example.clientNonce, .system)
            #expect(text(client.first) == "n,,n=\(example.user),r=\(example.clientNonce)")
            #expect(text(try client.receive(Array(example.challenge.utf8)) ?? []) == example.final)
            #expect(try client.receive(Array("v=\(example.verifier)".utf8)) == nil)
        }
    }

    @Test func aServerSaysWhatTheExamplesSay() throws {
        for example in ScramTests.examples {
            var server = ScramServer(example.mechanism, .system)
            func receive(_ message: String) throws(LoginRefusal) -> ScramServer.Step {
                try server.receive(
                    Array(message.utf8), nonce: { example.serverNonce }, credential: { $0 == example.user ? example.credential : nil })
            }
            #expect(try receive("n,,n=\(example.user),r=\(example.clientNonce)") == .challenge(Array(example.challenge.utf8)))
            #expect(try receive(example.final) == .done(user: example.user, Array("v=\(example.verifier)".utf8)))
            #expect(throws: LoginRefusal.self) { try receive(example.final) }
        }
    }

    private func login(
        client password: String = "secret", name: String = "a,b=c", change: (Int, [UInt8]) -> [UInt8] = { $1 }
    ) throws(LoginRefusal) -> String {
        let credential = ScramCredential(.sha256, password: "secret", salt: [1, 2, 3], iterations: 4096, .system)
        var server = ScramServer(.sha256, .system)
        var client = ScramClient(.sha256, user: name, password: password, nonce: "abc", .system)
        var message = change(0, client.first)
        for round in 1...2 {
            let step = try server.receive(message, nonce: { "xyz" }, credential: { $0 == "a,b=c" ? credential : nil })
            switch step {
            case .challenge(let reply): message = change(round, try client.receive(reply) ?? [])
            case .done(let user, let reply):
                #expect(try client.receive(reply) == nil)
                return user
            }
        }
        return ""
    }

    @Test func namesWithCommasAndEqualSignsPass() throws { #expect(try login() == "a,b=c") }

    @Test func whoeverHasAnotherPasswordIsRefused() {
        #expect(throws: LoginRefusal()) { try login(client: "nope") }
        #expect(throws: LoginRefusal()) { try login(name: "nobody") }
    }

    @Test func everyChangeOfAMessageIsNoticed() throws {
        for round in 0...1 {
            for index in 0..<40 {
                #expect(throws: LoginRefusal.self, "round \(round) byte \(index)") {
                    try login { at, message in
                        guard at == round, index < message.count, !(round == 0 && index == 0) else { return at == round ? [] : message }
                        var changed = message
                        changed[index] ^= 1
                        return changed
                    }
                }
            }
        }
    }

    /// As librdkafka 2.0 sends it: its own nonce twice.
    @Test func aNonceWithTheClientsPartTwiceIsTaken() throws {
        let credential = ScramCredential(.sha256, password: "secret", salt: [1, 2, 3], iterations: 4096, .system)
        func final(_ nonce: String) throws(LoginRefusal) -> ScramServer.Step {
            var server = ScramServer(.sha256, .system)
            _ = try server.receive(Array("n,,n=u,r=abc".utf8), nonce: { "xyz" }, credential: { _ in credential })
            let text = "n=u,r=abc,r=abcxyz,s=AQID,i=4096,c=biws,r=\(nonce)"
            let salted = Hashing.system.stretch(.sha256, Array("secret".utf8), [1, 2, 3], 4096)
            let key = Hashing.system.keyed(.sha256, salted, Array("Client Key".utf8))
            let signature = Hashing.system.keyed(.sha256, Hashing.system.hash(.sha256, key), Array(text.utf8))
            let proof = Base64.encode(zip(key, signature).map { $0 ^ $1 })
            return try server.receive(Array("c=biws,r=\(nonce),p=\(proof)".utf8), nonce: { "" }, credential: { _ in nil })
        }
        for nonce in ["abcxyz", "abcabcxyz"] {
            guard case .done(let user, _) = try final(nonce) else { Issue.record("\(nonce)"); continue }
            #expect(user == "u")
        }
        for nonce in ["abc", "xyz", "abcabc", "zzzabcxyz", "abcxyzabcxyz"] {
            #expect(throws: LoginRefusal.self, "\(nonce)") { try final(nonce) }
        }
    }

    @Test func whatIsNoScramIsRefused() {
        for message in ["", "n", "n,,", "p=tls-unique,,n=u,r=abc", "y,,n=u,r=abc", "n,,m=x,n=u,r=abc", "n,,n=,r=abc", "n,,n=u,r=",
            "n,,n=a=b,r=abc", "n,,r=abc,n=u", "\u{0}\u{0}\u{0}"]
        {
            var server = ScramServer(.sha256, .system)
            #expect(throws: LoginRefusal.self, "\(message)") {
                try server.receive(
                    Array(message.utf8), nonce: { "x" },
                    credential: { _ in ScramCredential(salt: [1], iterations: 4096, storedKey: [], serverKey: []) })
            }
        }
    }

    @Test func base64IsAsTheStandardHasIt() {
        for (text, coded) in [("", ""), ("f", "Zg=="), ("fo", "Zm8="), ("foo", "Zm9v"), ("foobar", "Zm9vYmFy")] {
            #expect(Base64.encode(Array(text.utf8)) == coded)
            #expect(Base64.decode(coded.utf8) == Array(text.utf8))
        }
        for bad in ["Z", "Zg=", "Zg==Zg==", "Z===", "Zm9*", "===="] { #expect(Base64.decode(bad.utf8) == nil, "\(bad)") }
    }

    @Test func aLoginConfigurationIsReadAsJavaReadsIt() throws {
        let text = "org.apache.PlainLoginModule required\n username=\"ad min\" password='a\\'b;=' user_x=\"1\" user_y=2 ;"
        let jaas = try JaasConfig(text)
        #expect(jaas.module == "org.apache.PlainLoginModule")
        #expect(jaas.options["username"] == "ad min" && jaas.options["password"] == "a'b;=")
        #expect(jaas.users["x"] == "1" && jaas.users["y"] == "2" && jaas.users.count == 2)
        for bad in ["", ";", "a;", "a b c=1;", "a required", "a required x;", "a required x=\"1;", "a required x=;"] {
            #expect(throws: JaasConfig.Problem.self, "\(bad)") { try JaasConfig(bad) }
        }
    }
}
