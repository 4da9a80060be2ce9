import Controller
import Primitives
import Reactor
import Testing
import Wire

@testable import Broker

/// Logging in at a listener that asks for it, as a client meets it.
@Suite struct LoginStoryTests {
    private static let jaas = "PlainLoginModule required username=\"n\" password=\"n\" user_alice=\"alice-secret\" user_n=\"n\";"

    private func story(_ settings: [(String, String)] = []) throws -> BrokerStory {
        let story = try BrokerStory(
            [
                ("listeners", "PLAINTEXT://localhost:9092,SASL_PLAINTEXT://localhost:9093"),
                ("listener.name.sasl_plaintext.plain.sasl.jaas.config", LoginStoryTests.jaas),
            ] + settings, hashing: .system)
        story.listener = "SASL_PLAINTEXT"
        return story
    }

    private func handshake(_ mechanism: String) -> SaslHandshakeRequest {
        var request = SaslHandshakeRequest()
        request.mechanism = mechanism
        return request
    }

    private func token(_ text: String) -> SaslAuthenticateRequest {
        var request = SaslAuthenticateRequest()
        request.authBytes = Bytes(text)
        return request
    }

    /// A whole login; returns why it was refused, or nil.
    private func logIn(
        _ story: BrokerStory, _ mechanism: SaslLogin.Mechanism, _ user: String, _ password: String, on connection: UInt64 = 1
    ) throws -> String? {
        var client = SaslClient(SaslLogin(mechanism, user: user, password: password), .system, nonce: "clientnonce\(connection)")
        var request = client.first
        while true {
            let frame = request.frame(correlationID: 5, clientID: "c")
            try story.send(raw: frame.dropFirst(4), on: connection)
            if story.rawAnswerIsDue(on: connection) == false { story.advance(milliseconds: 100) }
            let answer = try #require(story.rawAnswer(on: connection))
            do throws(LoginRefusal) {
                switch try client.answered(answer) {
                case .send(let next): request = next
                case .done: return nil
                }
            } catch {
                return error.message ?? ""
            }
        }
    }

    private func alter(_ story: BrokerStory, _ user: String, _ mechanism: ScramMechanism, _ password: String?) throws -> [ErrorCode] {
        var request = AlterUserScramCredentialsRequest()
        if let password {
            var row = AlterUserScramCredentialsRequest.Upsertion()
            (row.name, row.mechanism, row.iterations, row.salt) = (user, mechanism.rawValue, 4096, Bytes("salt"))
            row.saltedPassword = Bytes(Hashing.system.stretch(mechanism.algorithm, Array(password.utf8), Array("salt".utf8), 4096))
            request.upsertions = [row]
        } else {
            var row = AlterUserScramCredentialsRequest.Deletion()
            (row.name, row.mechanism) = (user, mechanism.rawValue)
            request.deletions = [row]
        }
        story.listener = "PLAINTEXT"
        defer { story.listener = "SASL_PLAINTEXT" }
        return try #require(try story.ask(request, version: 0, on: 99)).results.map(\.errorCode)
    }

    @Test func beforeALoginOnlyVersionsAndTheHandshakeAreServed() throws {
        let story = try story()
        let versions = try #require(try story.ask(ApiVersionsRequest(), version: 0, on: 1))
        #expect(versions.errorCode == .none && versions.apiKeys.contains { $0.apiKey == 36 })
        #expect(try story.ask(MetadataRequest(), version: 9, on: 1) == nil)
        #expect(story.isClosed(1))
        #expect(try story.ask(token("x"), version: 2, on: 2) == nil)
        #expect(story.isClosed(2))
        let answer = try #require(try story.ask(handshake("GSSAPI"), version: 1, on: 3))
        #expect(answer.errorCode == .unsupportedSaslMechanism)
        #expect(answer.mechanisms == ["PLAIN", "SCRAM-SHA-256", "SCRAM-SHA-512"])
        #expect(story.isClosed(3))
        #expect(try story.ask(handshake("PLAIN"), version: 1, on: 4)?.errorCode == ErrorCode.none)
        #expect(try story.ask(MetadataRequest(), version: 9, on: 4) == nil)
        #expect(story.isClosed(4))
    }

    @Test func afterALoginRequestsAreMadeForTheUser() throws {
        let story = try story([
            ("authorizer.class.name", "org.apache.kafka.metadata.authorizer.StandardAuthorizer"), ("super.users", "User:alice"),
        ])
        #expect(try logIn(story, .plain, "alice", "alice-secret") == nil)
        #expect(story.framings.last?.1 == .requests)
        #expect(try story.metadata(["t"]).topics.first?.errorCode == ErrorCode.none)
        #expect(try logIn(story, .plain, "n", "n", on: 2) == nil)
        var request = MetadataRequest()
        request.topics = [MetadataRequest.Topic()]
        request.topics?[0].name = "t"
        #expect(try story.ask(request, version: 9, on: 2)?.topics.first?.errorCode == .topicAuthorizationFailed)
        // What Kafka says to those who log in twice.
        let again = try #require(try story.ask(token("x"), version: 2, on: 1))
        #expect(again.errorCode == .illegalSaslState)
        #expect(again.errorMessage == "SaslAuthenticate request received after successful authentication")
        #expect(try story.ask(handshake("PLAIN"), version: 1, on: 1)?.errorCode == .illegalSaslState)
    }

    @Test func aRefusalComesLateAndEndsTheConnection() throws {
        let story = try story()
        for (index, (text, message)) in [
            ("\0alice\0nope", "Authentication failed: Invalid username or password"),
            ("\0nobody\0", "Authentication failed: password not specified"),
            ("\0nobody\0x", "Authentication failed: Invalid username or password"),
            ("\0\0x", "Authentication failed: username not specified"),
            ("bob\0alice\0alice-secret", "Authentication failed: Client requested an authorization id that is different from username"),
            ("alice", "Authentication failed during authentication due to invalid credentials with SASL mechanism PLAIN"),
        ].enumerated() {
            let connection = UInt64(index + 1)
            _ = try story.ask(handshake("PLAIN"), version: 1, on: connection)
            try story.send(token(text), version: 2, on: connection)
            story.advance(milliseconds: 99)
            #expect(try story.answer(to: SaslAuthenticateRequest.self, version: 2, on: connection) == nil)
            story.advance(milliseconds: 1)
            let answer = try #require(try story.answer(to: SaslAuthenticateRequest.self, version: 2, on: connection))
            #expect(answer.errorCode == .saslAuthenticationFailed && answer.errorMessage == message)
            #expect(story.isClosed(connection))
        }
    }

    @Test func usersOfScramAreMadeChangedAndRemovedWhileTheBrokerRuns() throws {
        let story = try story()
        let invalid = "Authentication failed during authentication due to invalid credentials with SASL mechanism SCRAM-SHA-512"
        #expect(try logIn(story, .scram(.sha512), "bob", "b1", on: 1) == invalid)
        #expect(try alter(story, "bob", .sha512, "b1") == [.none])
        #expect(try logIn(story, .scram(.sha512), "bob", "b1", on: 2) == nil)
        #expect(try logIn(story, .scram(.sha512), "bob", "b2", on: 3) == invalid)
        #expect(try logIn(story, .scram(.sha256), "bob", "b1", on: 4) != nil, "a credential is of one mechanism")
        #expect(try alter(story, "bob", .sha512, "b2") == [.none])
        #expect(try logIn(story, .scram(.sha512), "bob", "b2", on: 5) == nil)
        #expect(try alter(story, "bob", .sha512, nil) == [.none])
        #expect(try alter(story, "bob", .sha512, nil) == [.resourceNotFound])
        #expect(try logIn(story, .scram(.sha512), "bob", "b2", on: 6) == invalid)
    }

    /// SaslHandshake version 0: tokens without headers, and no answer to a wrong one.
    @Test func tokensMayComeWithoutHeaders() throws {
        let story = try story()
        _ = try story.ask(handshake("PLAIN"), version: 0)
        #expect(story.framings.last?.1 == .tokens)
        story.send(token: Array("\0alice\0alice-secret".utf8))
        #expect(story.framings.last?.1 == .requests)
        #expect(story.rawAnswer()?.count == 0)
        #expect(try story.metadata(nil).clusterID != nil)
        _ = try story.ask(handshake("PLAIN"), version: 0, on: 2)
        story.send(token: Array("\0alice\0nope".utf8), on: 2)
        story.advance(milliseconds: 100)
        #expect(story.rawAnswer(on: 2) == nil && story.isClosed(2))
    }

    @Test func aLoginThatExpiresIsMadeAgain() throws {
        let story = try story([("connections.max.reauth.ms", "10000")])
        _ = try alter(story, "bob", .sha256, "b")
        #expect(try logIn(story, .scram(.sha256), "bob", "b", on: 1) == nil)
        #expect(try logIn(story, .plain, "alice", "alice-secret", on: 2) == nil)
        #expect(try logIn(story, .plain, "alice", "alice-secret", on: 3) == nil)
        #expect(try logIn(story, .plain, "alice", "alice-secret", on: 4) == nil)
        story.advance(milliseconds: 9_999)
        #expect(try story.ask(MetadataRequest(), version: 9, on: 1) != nil)
        #expect(try logIn(story, .scram(.sha256), "bob", "b", on: 1) == nil)
        story.advance(milliseconds: 2)
        #expect(try story.ask(MetadataRequest(), version: 9, on: 1) != nil)
        #expect(try story.ask(MetadataRequest(), version: 9, on: 2) == nil)
        #expect(story.isClosed(2), "nobody asked to log in again in time")
        #expect(try logIn(story, .plain, "n", "n", on: 3) == "Cannot change principals during re-authentication from User:alice to User:n")
        #expect(try story.ask(handshake("SCRAM-SHA-256"), version: 1, on: 4) == nil)
        #expect(story.isClosed(4), "a login is made again by the same mechanism")
    }

    private func alterBroker(_ story: BrokerStory, _ key: String, _ value: String, on name: String = "1") throws -> String? {
        var config = IncrementalAlterConfigsRequest.Config()
        (config.name, config.value) = (key, value)
        var resource = IncrementalAlterConfigsRequest.Resource()
        (resource.resourceType, resource.resourceName, resource.configs) = (4, name, [config])
        var request = IncrementalAlterConfigsRequest()
        request.resources = [resource]
        story.listener = "PLAINTEXT"
        defer { story.listener = "SASL_PLAINTEXT" }
        let answer = try #require(try story.ask(request, version: 1, on: 98)).responses[0]
        return answer.errorCode == .none ? nil : answer.errorMessage ?? answer.errorCode.name
    }

    @Test func whoMayLogInChangesWhileTheBrokerRuns() throws {
        let story = try story()
        let key = "listener.name.sasl_plaintext.plain.sasl.jaas.config"
        #expect(try logIn(story, .plain, "alice", "alice-secret", on: 1) == nil)
        let other = "PlainLoginModule required username=\"n\" password=\"n\" user_dave=\"dave-secret\" user_n=\"n\";"
        #expect(try alterBroker(story, key, other) == nil)
        #expect(try logIn(story, .plain, "dave", "dave-secret", on: 2) == nil)
        #expect(try logIn(story, .plain, "alice", "alice-secret", on: 3) != nil)
        #expect(try story.ask(MetadataRequest(), version: 9, on: 1) != nil, "who is in stays in")
        #expect(try alterBroker(story, "listener.name.sasl_plaintext.sasl.enabled.mechanisms", "SCRAM-SHA-256") == nil)
        #expect(try story.ask(handshake("PLAIN"), version: 1, on: 4)?.mechanisms == ["SCRAM-SHA-256"])
    }

    @Test func whatAListenerDoesNotTakeWhileItRunsIsRefusedByName() throws {
        let story = try story()
        func refusal(_ key: String, _ value: String, on name: String = "1") throws -> String? {
            try alterBroker(story, key, value, on: name)
        }
        #expect(
            try refusal("ssl.keystore.location", "/k")
                == "These security configs can be dynamically updated only per-listener using the listener prefix: [ssl.keystore.location]")
        #expect(
            try refusal("listener.name.sasl_plaintext.connections.max.reauth.ms", "1")
                == "Cannot update these configs dynamically: [listener.name.sasl_plaintext.connections.max.reauth.ms]")
        #expect(
            try refusal("listener.name.ssl.ssl.keystore.location", "/k", on: "")
                == "Cannot update these configs at default cluster level, broker id must be specified: "
                + "[listener.name.ssl.ssl.keystore.location]")
        #expect(try refusal("listener.name.ssl.ssl.keystore.type", "JKS")?.hasSuffix("only PEM can be read") == true)
        #expect(try refusal("listener.name.ssl.ssl.client.auth", "maybe")?.contains("must be one of") == true)
        #expect(try refusal("listener.name.x.sasl.enabled.mechanisms", "GSSAPI")?.contains("GSSAPI is none of PLAIN") == true)
        let secret = try refusal("listener.name.x.plain.sasl.jaas.config", "hush")
        #expect(secret?.contains("[hidden]") == true && secret?.contains("hush") == false)
        #expect(try refusal("listener.name.x.gssapi.sasl.jaas.config", "hush")?.contains("no such mechanism here") == true)
    }

    @Test func secretsOfAListenerAreToldNobody() throws {
        let story = try story()
        let login = "PlainLoginModule required username=\"n\" password=\"n\" user_n=\"hush\";"
        #expect(try alterBroker(story, "listener.name.sasl_plaintext.plain.sasl.jaas.config", login) == nil)
        #expect(try alterBroker(story, "listener.name.ssl.ssl.keystore.location", "/k") == nil)
        var request = DescribeConfigsRequest()
        var resource = DescribeConfigsRequest.Resource()
        (resource.resourceType, resource.resourceName, resource.configurationKeys) = (4, "1", nil)
        request.resources = [resource]
        story.listener = "PLAINTEXT"
        let configs = try #require(try story.ask(request, version: 4)).results[0].configs
        let jaas = configs.first { $0.name.hasSuffix("jaas.config") && $0.name.hasPrefix("listener") }
        #expect(jaas?.value == nil && jaas?.isSensitive == true)
        #expect(configs.first { $0.name.hasSuffix("ssl.keystore.location") && $0.name.hasPrefix("listener") }?.value == "/k")
        for case .configChanged(_, let key, _, let to) in story.events where key.hasSuffix("jaas.config") {
            #expect(to == "[hidden]")
        }
    }

    @Test func whatAlteringUsersRefusesIsWhatKafkaRefuses() throws {
        let story = try story()
        var request = AlterUserScramCredentialsRequest()
        let rows: [(String, Int8, Int32)] = [
            ("u1", 1, 10), ("u2", 1, 99_999_999), ("", 1, 4096), ("u3", 9, 4096), ("u5", 1, 4096), ("u5", 2, 4096),
        ]
        request.upsertions = rows.map {
            var row = AlterUserScramCredentialsRequest.Upsertion()
            (row.name, row.mechanism, row.iterations, row.salt, row.saltedPassword) = ($0.0, $0.1, $0.2, Bytes("salt"), Bytes("x"))
            return row
        }
        var deletion = AlterUserScramCredentialsRequest.Deletion()
        (deletion.name, deletion.mechanism) = ("nobody", 1)
        request.deletions = [deletion]
        story.listener = "PLAINTEXT"
        let results = try #require(try story.ask(request, version: 0)).results
        #expect(results.map(\.user) == ["", "nobody", "u1", "u2", "u3", "u5"])
        #expect(results.map(\.errorCode.rawValue) == [93, 91, 93, 93, 33, 92])
        #expect(
            results.map(\.errorMessage) == [
                "Username must not be empty", "Attempt to delete a user credential that does not exist", "Too few iterations",
                "Too many iterations", "Unknown SCRAM mechanism", "A user credential cannot be altered twice in the same request",
            ])
        _ = try alter(story, "zoe", .sha512, "z")
        _ = try alter(story, "zoe", .sha256, "z")
        story.listener = "PLAINTEXT"
        let all = try #require(try story.ask(DescribeUserScramCredentialsRequest(), version: 0))
        #expect(all.results.map(\.user) == ["zoe"] && all.results[0].credentialInfos.map(\.mechanism) == [1, 2])
        var twice = DescribeUserScramCredentialsRequest()
        twice.users = ["a", "a", "nobody"].map {
            var user = DescribeUserScramCredentialsRequest.User()
            user.name = $0
            return user
        }
        let some = try #require(try story.ask(twice, version: 0))
        #expect(some.results.map(\.errorCode.rawValue) == [92, 91])
        #expect(some.results[1].errorMessage == "Attempt to describe a user credential that does not exist: nobody")
    }
}
