import Controller
import Glibc
import Primitives
import Reactor
import Records
import Synchronization
import Testing
import Wire

@testable import BrokerServer

@Suite struct HostileClientTests {
    private func frame(_ body: [UInt8]) -> [UInt8] { withUnsafeBytes(of: UInt32(body.count).bigEndian) { Array($0) } + body }

    @Test(arguments: [1, 3]) func badFramesCloseTheirConnectionAndNoOther(threads: Int) throws {
        let node = try TestNode([("socket.request.max.bytes", "100000")], threads: threads)
        let witness = try node.client()
        let hostile: [[UInt8]] = [
            [0x7f, 0xff, 0xff, 0xff], [0xff, 0xff, 0xff, 0xff], [0x80, 0, 0, 0], [0, 1, 0x86, 0xa1],
            frame([]), frame([0]), frame([0, 18, 0, 0]), frame([0x12, 0x34, 0, 0, 0, 0, 0, 1, 0xff, 0xff]),
            frame([0, 3, 0, 1, 0, 0, 0, 1, 0xff, 0xff, 0x7f, 0xff, 0xff, 0xff]),
            frame([0, 3, 0, 12, 0, 0, 0, 1, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x0f]),
            frame([0, 0, 0, 2, 0, 0, 0, 1, 0xff, 0xff]), Array("GET / HTTP/1.1\r\nHost: x\r\n\r\n".utf8),
            [0x16, 0x03, 0x01, 0x02, 0x00, 0x01, 0x00, 0x01, 0xfc, 0x03, 0x03],
        ]
        for bytes in hostile {
            let client = try node.client()
            client.write(bytes)
            #expect(client.isClosedByServer, "\(bytes)")
        }
        _ = try witness.ask(ApiVersionsRequest(), version: 0)
        try node.end()
    }

    @Test func halfAFrameWaitsAndAClosedHalfIsForgotten() throws {
        let node = try TestNode()
        let whole = encodeRequest(ApiVersionsRequest(), version: 0, correlationID: 5, clientID: "t").bytes.array
        for cut in [1, 3, 4, 5, whole.count - 1] {
            let gone = try node.client()
            gone.write(Array(whole[..<cut]))
            let patient = try node.client()
            patient.write(Array(whole[..<cut]))
            patient.write(Array(whole[cut...]))
            #expect(patient.readFrame()?.load(0, as: Int32.self) == 5)
        }
        try node.end()
    }

    @Test(arguments: [1, 3]) func randomBytesNeverEndTheBroker(threads: Int) throws {
        let node = try TestNode(threads: threads)
        var random = PRNG(seed: 42)
        let keys: [Int16] = [0, 1, 2, 3, 8, 9, 10, 11, 12, 13, 14, 15, 16, 18, 19, 20, 22, 23, 32, 37, 42, 60, 75]
        for _ in 0..<150 {
            let client = try node.client()
            var body: [UInt8] = [0, UInt8(random.pick(keys)), 0, UInt8(random.below(14)), 0, 0, 0, 1, 0xff, 0xff]
            for _ in 0..<random.below(60) { body.append(random.oneIn(3) ? 0 : UInt8(random.below(256))) }
            client.write(frame(body))
            shutdown(client.descriptor, Int32(SHUT_WR))
        }
        _ = try node.client().ask(ApiVersionsRequest(), version: 0)
        try node.end()
    }

    @Test func aClientThatNeverReadsHoldsUpNobodyElse() throws {
        let node = try TestNode()
        let client = try node.client()
        try client.makeTopic("big")
        for _ in 0..<8 { _ = try client.ask(produce("big", batch([String(repeating: "7", count: 1_000_000)])), version: 7) }
        let slow = try node.client()
        // Five answers of 8 MB each: the second is not begun before the first has been read.
        for _ in 0..<5 { slow.send(fetch("big", from: 0), version: 11) }
        for _ in 0..<50 { _ = try client.ask(ApiVersionsRequest(), version: 0) }
        for _ in 0..<5 {
            let answer = try #require(slow.readFrame())
            #expect(answer.count > 8_000_000)
        }
        try node.end()
    }

    @Test func connectionsAreLimited() throws {
        let lines = Mutex<[String]>([])
        let node = try TestNode([("max.connections.per.ip", "2")]) { line in lines.withLock { $0.append(line) } }
        var first: TestClient? = try node.client()
        let second = try node.client()
        _ = try first?.ask(ApiVersionsRequest(), version: 0)
        _ = try second.ask(ApiVersionsRequest(), version: 0)
        #expect(try node.client().isClosedByServer)
        #expect(lines.withLock { $0 }.contains { $0.contains("max.connections.per.ip") })
        first = nil
        var served = false
        for _ in 0..<1000 where !served {
            let third = try node.client()
            third.send(ApiVersionsRequest(), version: 0)
            served = third.readFrame() != nil
        }
        #expect(served, "a place that is free again can be taken")
        try node.end()
    }

    @Test func silentConnectionsAreClosedAndWaitingOnesAreNot() throws {
        let node = try TestNode([("connections.max.idle.ms", "100")])
        let (silent, waiting) = (try node.client(), try node.client())
        try waiting.makeTopic("orders")
        waiting.send(fetch("orders", from: 0, wait: 400), version: 11)
        #expect(silent.isClosedByServer)
        #expect(waiting.readFrame() != nil, "the broker took its time, not the client")
        try node.end()
    }
}
