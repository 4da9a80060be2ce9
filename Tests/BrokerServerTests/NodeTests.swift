import Controller
import Glibc
import Compression
import Primitives
import Reactor
import Records
import Testing
import Wire

@testable import BrokerServer

@Suite struct NodeTests {
    @Test(arguments: [1, 3]) func producesAndFetchesOverSockets(threads: Int) throws {
        let node = try TestNode(threads: threads)
        let client = try node.client()
        try client.makeTopic("orders")
        let large = String(repeating: "x", count: 900_000)
        for value in ["a", large, "c"] {
            let answer = try client.ask(produce("orders", batch([value])), version: 9)
            #expect(answer.topics[0].partitions[0].errorCode == .none)
        }
        let answer = try node.client().ask(fetch("orders", from: 0), version: 11)
        let records = try #require(answer.topics[0].partitions[0].records.inMemory)
        var walk = BatchWalk(records)
        var values: [String] = []
        while let batch = try walk.next() {
            #expect(batch.isChecksumValid)
            values += try batch.records(.system).map { $0.value?.lossyString ?? "" }
        }
        #expect(values == ["a", large, "c"])
        try node.end()
    }

    @Test(arguments: [1, 3]) func aParkedFetchIsWokenByAProduceOnAnotherConnection(threads: Int) throws {
        let node = try TestNode(threads: threads)
        let (reader, writer) = (try node.client(), try node.client())
        try writer.makeTopic("orders")
        reader.send(fetch("orders", from: 0, wait: 9000), version: 11)
        _ = try writer.ask(produce("orders", batch(["a"])), version: 9)
        let frame = try #require(reader.readFrame())
        let answer = try decodeResponse(frame, to: FetchRequest.self, version: 11).response
        #expect(answer.topics[0].partitions[0].records.count > 61)
        try node.end()
    }

    @Test(arguments: [1, 3]) func responsesComeInTheOrderOfRequests(threads: Int) throws {
        let node = try TestNode(threads: threads)
        let client = try node.client()
        try client.makeTopic("orders")
        var bytes: [UInt8] = []
        for number in Int32(0)..<300 {
            let frame: Frame
            switch number % 3 {
            case 0: frame = encodeRequest(ApiVersionsRequest(), version: 0, correlationID: number, clientID: "t")
            case 1: frame = encodeRequest(produce("orders", batch(["v"])), version: 7, correlationID: number, clientID: "t")
            default:
                // Waits a moment, for there is nothing new; whatever comes behind waits with it.
                let request = fetch("orders", from: Int64(number / 3) + 1, wait: 1)
                frame = encodeRequest(request, version: 11, correlationID: number, clientID: "t")
            }
            bytes += frame.bytes.array
        }
        client.write(bytes)
        for number in Int32(0)..<300 {
            let frame = try #require(client.readFrame())
            #expect(try responseCorrelationID(frame) == number)
        }
        try node.end()
    }

    /// Each produce waits for the disk, and the next is read meanwhile; anything else waits until they are answered.
    @Test(arguments: [1, 3]) func producesAreReadAheadAndAnsweredInOrder(threads: Int) throws {
        let node = try TestNode([("log.flush.interval.messages", "1")], threads: threads)
        let client = try node.client()
        try client.makeTopic("orders")
        var bytes: [UInt8] = []
        for number in Int32(0)..<300 {
            let frame = number % 40 == 39
                ? encodeRequest(ApiVersionsRequest(), version: 0, correlationID: number, clientID: "t")
                : encodeRequest(produce("orders", batch(["v\(number)"])), version: 7, correlationID: number, clientID: "t")
            bytes += frame.bytes.array
        }
        client.write(bytes)
        var next: Int64 = 0
        for number in Int32(0)..<300 {
            let frame = try #require(client.readFrame())
            #expect(try responseCorrelationID(frame) == number)
            guard number % 40 != 39 else { continue }
            let answer = try decodeResponse(frame, to: ProduceRequest.self, version: 7).response.topics[0].partitions[0]
            #expect(answer.errorCode == .none && answer.baseOffset == next)
            next += 1
        }
        try node.end()
    }

    @Test func acksZeroHasNoAnswerAndTheNextRequestHas() throws {
        let node = try TestNode()
        let client = try node.client()
        try client.makeTopic("orders")
        client.send(produce("orders", batch(["quiet"]), acks: 0), version: 7)
        #expect(try client.ask(produce("orders", batch(["b"])), version: 7).topics[0].partitions[0].baseOffset == 1)
        client.send(produce("nothing", batch(["quiet"]), acks: 0), version: 7)
        #expect(client.isClosedByServer)
        try node.end()
    }

    @Test func survivesAStopAndAStart() throws {
        var node = try TestNode()
        let client = try node.client()
        try client.makeTopic("orders")
        _ = try client.ask(produce("orders", batch(["a", "b"])), version: 9)
        node.node.stop()
        #expect(client.isClosedByServer)
        #expect(PosixDisk().exists(node.directory + "/.kafka_cleanshutdown"))
        #expect(node.node.endpoints.isEmpty)
        node = try TestNode(directory: node.directory)
        let again = try node.client()
        #expect(try again.ask(produce("orders", batch(["c"])), version: 9).topics[0].partitions[0].baseOffset == 2)
        try node.end()
    }

    @Test func aNodeCanBeStartedAgain() throws {
        let node = try TestNode()
        node.node.stop()
        node.node.stop()
        try node.node.start()
        try node.client().makeTopic("orders")
        try node.end()
    }
}
