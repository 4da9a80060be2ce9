import Primitives
import Testing
import Wire

@testable import ClientCore

/// A client that logs in: before its first request, again before the login expires, and what it makes of a refusal.
@Suite struct LoginTests {
    private func story() -> SessionStory {
        var options = ClusterSession.Options(bootstrap: [ServerAddress("boot:9092")!], clientID: "story")
        options.credentials = ClientCredentials(SaslLogin(.plain, user: "alice", password: "secret"), .none)
        var story = SessionStory()
        story.session = ClusterSession(options)
        return story
    }

    private func done(lifetimeMs: Int64 = 0) -> SaslAuthenticateResponse {
        var response = SaslAuthenticateResponse()
        response.sessionLifetimeMs = lifetimeMs
        return response
    }

    private func refused(_ message: String) -> SaslAuthenticateResponse {
        var response = SaslAuthenticateResponse()
        (response.errorCode, response.errorMessage) = (.saslAuthenticationFailed, message)
        return response
    }

    @Test func nothingIsAskedBeforeTheLogin() throws {
        var story = story()
        let number = story.submit(DescribeClusterRequest())
        story.connect()
        #expect(story.written.map(\.key) == [.saslHandshake])
        story.answer(SaslHandshakeResponse())
        #expect(story.written.map(\.key) == [.saslAuthenticate])
        let token = try SaslAuthenticateRequest.decode(story.written[0].body, version: story.written[0].header.apiVersion).authBytes
        #expect(token == Bytes("\0alice\0secret"))
        story.answer(done())
        #expect(story.written.map(\.key) == [.describeCluster])
        story.answer(DescribeClusterResponse())
        #expect(story.answers[number] != nil)
    }

    @Test func aRefusalIsToldAtOnceInTheBrokersWords() {
        var story = story()
        let first = story.submit(DescribeClusterRequest())
        let second = story.submit(MetadataRequest(), to: .controller)
        story.connect()
        story.answer(SaslHandshakeResponse())
        story.answer(refused("Authentication failed: Invalid username or password"))
        let error = ClientError.authenticationFailed("boot:9092: Authentication failed: Invalid username or password")
        for number in [first, second] {
            guard case .failure(let told)? = story.answers[number] else { Issue.record("\(number) waits"); continue }
            #expect(told == error)
        }
        #expect(!error.isRetriable && error.description.hasPrefix(ClientError.authenticationPrefix))
        #expect(story.closed.count == 1)
    }

    @Test func aMechanismThatIsNotOfferedIsNamed() {
        var story = story()
        let number = story.submit(DescribeClusterRequest())
        story.connect()
        var answer = SaslHandshakeResponse()
        (answer.errorCode, answer.mechanisms) = (.unsupportedSaslMechanism, ["SCRAM-SHA-256"])
        story.answer(answer)
        guard case .failure(let told)? = story.answers[number] else { Issue.record("it waits"); return }
        #expect(told == .authenticationFailed("boot:9092: the broker does not offer PLAIN, but SCRAM-SHA-256"))
    }

    /// KIP-368: at 85 percent of its time, and not while anything is under way.
    @Test func aLoginIsMadeAgainBeforeItExpires() {
        var story = story()
        story.submit(DescribeClusterRequest())
        story.connect()
        story.answer(SaslHandshakeResponse())
        story.answer(done(lifetimeMs: 10_000))
        story.answer(DescribeClusterResponse())
        story.advance(8_400)
        #expect(story.written.isEmpty)
        let under = story.submit(DescribeClusterRequest())
        story.advance(200)
        let waiting = story.submit(DescribeClusterRequest())
        #expect(story.written.map(\.key) == [.describeCluster], "nothing new is sent, and what is under way is waited for")
        story.answer(DescribeClusterResponse())
        #expect(story.answers[under] != nil)
        #expect(story.written.map(\.key) == [.saslHandshake])
        story.answer(SaslHandshakeResponse())
        story.answer(done(lifetimeMs: 10_000))
        #expect(story.written.map(\.key) == [.describeCluster])
        story.answer(DescribeClusterResponse())
        #expect(story.answers[waiting] != nil)
        story.advance(8_500)
        #expect(story.written.map(\.key) == [.saslHandshake], "also where nobody asks for anything")
    }
}

/// Tokens (RFC 7628): what is sent, and what a broker says to one it does not take.
@Suite struct BearerTests {
    private func story() throws -> SessionStory {
        var options = ClusterSession.Options(bootstrap: [try #require(ServerAddress("boot:9092"))], clientID: "story")
        let login = try #require(SaslLogin(token: "t0ken", extensions: [.init("logicalCluster", "lkc-1")]))
        options.credentials = ClientCredentials(login, .none)
        var story = SessionStory()
        story.session = ClusterSession(options)
        return story
    }

    @Test func theTokenGoesInOneMessage() throws {
        var story = try story()
        let number = story.submit(DescribeClusterRequest())
        story.connect()
        let handshake = try SaslHandshakeRequest.decode(story.written[0].body, version: story.written[0].header.apiVersion)
        #expect(handshake.mechanism == "OAUTHBEARER")
        story.answer(SaslHandshakeResponse())
        let message = try SaslAuthenticateRequest.decode(story.written[0].body, version: story.written[0].header.apiVersion).authBytes
        #expect(message == Bytes("n,,\u{1}auth=Bearer t0ken\u{1}logicalCluster=lkc-1\u{1}\u{1}"))
        story.answer(SaslAuthenticateResponse())
        story.answer(DescribeClusterResponse())
        #expect(story.answers[number] != nil)
    }

    @Test func aRefusedTokenIsAnsweredByAnEmptyMessage() throws {
        var story = try story()
        let number = story.submit(DescribeClusterRequest())
        story.connect()
        story.answer(SaslHandshakeResponse())
        var challenge = SaslAuthenticateResponse()
        challenge.authBytes = Bytes(#"{"status":"invalid_token"}"#)
        story.answer(challenge)
        let message = try SaslAuthenticateRequest.decode(story.written[0].body, version: story.written[0].header.apiVersion).authBytes
        #expect(message == Bytes("\u{1}"))
        var last = SaslAuthenticateResponse()
        last.errorCode = .saslAuthenticationFailed
        last.errorMessage = "the token has expired"
        story.answer(last)
        guard case .failure(.authenticationFailed(let reason))? = story.answers[number] else { throw BearerProblem.waits }
        #expect(reason == "boot:9092: the token has expired")
    }

    private enum BearerProblem: Error { case waits }

    @Test func aTokenThatWouldEndTheMessageIsNone() {
        #expect(SaslLogin(token: "a\u{1}b") == nil && SaslLogin(token: "") == nil)
        #expect(SaslLogin(token: "a", extensions: [.init("x", "\n")]) == nil)
        #expect(SaslLogin(token: "secret")?.description == "OAUTHBEARER")
    }
}
