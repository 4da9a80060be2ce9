import Broker
import Glibc
import Primitives
import Reactor
import Synchronization
import Testing
import Wire

@testable import BrokerServer

/// A peer that a test plays by hand: it listens, takes connections in, reads requests and writes answers.
private final class PlayedPeer {
    private let listener: Int32
    let port: Int

    init() throws {
        listener = try Socket.listen(host: "127.0.0.1", port: 0, backlog: 8)
        port = Socket.localAddress(listener).port
    }

    deinit { Socket.close(listener) }

    func accept(milliseconds: Int32 = TestClient.patienceMs) throws -> TestClient? {
        var waited = pollfd(fd: listener, events: Int16(POLLIN), revents: 0)
        guard poll(&waited, 1, milliseconds) == 1 else { return nil }
        return try Socket.accept(listener).map { TestClient(descriptor: $0.descriptor) }
    }
}

/// The links of one node on a loop of their own, and what they told.
private final class Links {
    let loop = EventLoop()
    private let workers = WorkerPool()
    private let told = Mutex<[(PeerRequestID, Result<Bytes, PeerFailure>)]>([])
    private let links: LoopBound<PeerLinks>

    init() {
        loop.start()
        let (loop, workers) = (loop, workers)
        let owner = Box<Links>()
        links = loop.call {
            LoopBound(
                PeerLinks(loop, workers: workers, frameBytesMax: 1 << 20) { id, result in
                    owner.value?.told.withLock { $0.append((id, result)) }
                }, loop)
        }
        owner.value = self
    }

    /// Filled after the links are made, which tell nothing before they are asked.
    private final class Box<T: AnyObject>: @unchecked Sendable {
        weak var value: T?
    }

    func run(_ body: @escaping @Sendable (PeerLinks) -> Void) {
        let links = links
        loop.call { body(links.value) }
    }

    func ask(_ number: UInt64, _ port: Int, _ lane: PeerLane = .quorum, host: String = "127.0.0.1") {
        let id = PeerRequestID(number: number)
        let frame = encodeRequest(ApiVersionsRequest(), version: 0, correlationID: id.correlationID, clientID: "broker-1")
        let address = PeerAddress(node: 2, host: host, port: Int32(port))
        run { $0.ask(id, address, lane, frame) }
    }

    /// The first `count` of what was told: numbers, and a failure or the answer's correlation id.
    func results(_ count: Int) -> [String] {
        for _ in 0..<1000 where told.withLock({ $0.count }) < count { usleep(5000) }
        return told.withLock { $0 }.map { id, result in
            switch result {
            case .success(let frame): "\(id.number) answered \(frame.load(0, as: Int32.self))"
            case .failure(let failure): "\(id.number) \(failure)"
            }
        }
    }

    func end() {
        run { $0.close() }
        loop.end()
        workers.stop()
    }
}

@Suite struct PeerLinksTests {
    private func answer(_ client: TestClient, _ id: Int32) {
        client.write(encodeResponse(ApiVersionsResponse(), version: 0, correlationID: id).bytes.array)
    }

    @Test func severalRequestsShareALaneAndAreAnsweredInOrder() throws {
        let (peer, links) = (try PlayedPeer(), Links())
        for number in 1...3 as ClosedRange<UInt64> { links.ask(number, peer.port) }
        links.ask(4, peer.port, .replica)
        let first = try #require(try peer.accept())
        let second = try #require(try peer.accept())
        #expect(try peer.accept(milliseconds: 0) == nil, "one connection for each lane")
        let quorum = try first.readFrame().map { try RequestHeader.decode($0).header.correlationID } == 1 ? first : second
        for _ in 0..<2 { _ = quorum.readFrame() }
        for id in 1...3 as ClosedRange<Int32> { answer(quorum, id) }
        #expect(links.results(3) == ["1 answered 1", "2 answered 2", "3 answered 3"])
        links.end()
    }

    @Test func nobodyThereIsRefusedAndABrokenConnectionIsLost() throws {
        let links = Links()
        let port = try PlayedPeer().port
        links.ask(1, port)
        #expect(links.results(1) == ["1 refused"])
        let peer = try PlayedPeer()
        links.ask(2, peer.port)
        do {
            let client = try #require(try peer.accept())
            #expect(client.readFrame() != nil)
        }
        #expect(links.results(2) == ["1 refused", "2 lost"])
        links.ask(3, peer.port)
        let again = try #require(try peer.accept(), "who asks again gets a new connection")
        answer(again, 3)
        #expect(links.results(3).last == "3 answered 3")
        links.end()
    }

    @Test func aNameThatDoesNotResolveIsRefused() {
        let links = Links()
        links.ask(1, 9092, host: "no such host")
        #expect(links.results(1) == ["1 refused"])
        links.end()
    }

    @Test func anAnswerToSomethingElseEndsTheConnection() throws {
        let (peer, links) = (try PlayedPeer(), Links())
        links.ask(1, peer.port)
        let client = try #require(try peer.accept())
        answer(client, 9)
        #expect(links.results(1) == ["1 lost"])
        links.end()
    }

    @Test func whatIsGivenUpClosesItsConnectionAndLosesTheRest() throws {
        let (peer, links) = (try PlayedPeer(), Links())
        links.ask(1, peer.port)
        links.ask(2, peer.port)
        let client = try #require(try peer.accept())
        _ = (client.readFrame(), client.readFrame())
        links.run { $0.abandon(PeerRequestID(number: 1)) }
        #expect(links.results(1) == ["2 lost"])
        #expect(client.isClosedByServer)
        links.end()
    }

    @Test func aHeldLinkTellsNothingUntilItIsReleased() throws {
        let (peer, links) = (try PlayedPeer(), Links())
        links.ask(1, peer.port)
        let client = try #require(try peer.accept())
        #expect(client.readFrame() != nil)
        links.run { $0.hold([2]) }
        answer(client, 1)
        links.ask(2, peer.port)
        links.ask(3, peer.port, .replica)
        #expect(try peer.accept(milliseconds: 50) == nil, "nobody is dialled while the network is cut")
        #expect(links.results(0) == [])
        links.run { $0.release([2]) }
        #expect(client.readFrame() != nil)
        let replica = try #require(try peer.accept())
        #expect(replica.readFrame() != nil)
        #expect(links.results(1) == ["1 answered 1"])
        links.end()
    }

    @Test func whatBreaksWhileHeldIsToldAfterwards() throws {
        let (peer, links) = (try PlayedPeer(), Links())
        links.ask(1, peer.port)
        do {
            let client = try #require(try peer.accept())
            #expect(client.readFrame() != nil)
            links.run { $0.hold([2]) }
        }
        #expect(links.results(0) == [])
        links.run { $0.release([2]) }
        #expect(links.results(1) == ["1 lost"])
        links.end()
    }
}
