import ClientCore
import Primitives
import Records
import Storage
import Testing
import Wire

@testable import Simulator

/// The world itself: that a broker in it serves, that faults do what they say, and that a seed is a seed.
@Suite struct WorldTests {
    @Test func aBrokerServesInVirtualTime() throws {
        let world = try World(seed: 1, brokers: 1)
        world.startAll()
        try world.settle()
        try world.makeTopic("t")
        #expect(try world.produce("t", ["a", "b"]) == 0)
        #expect(try world.produce("t", ["c"]) == 2)
        #expect(try world.read("t") == ["a", "b", "c"])
    }

    @Test func aKilledProcessLosesNothingOfItsDisk() throws {
        let world = try World(seed: 2, brokers: 1)
        world.startAll()
        try world.settle()
        try world.makeTopic("t")
        try world.produce("t", ["a", "b"])
        let pending = world.send(MetadataRequest(), to: 1)
        world.node(1).kill()
        try world.run("the connection breaks") { _ in pending.isDone }
        #expect(pending.isLost)
        world.node(1).start()
        try world.settle()
        #expect(try world.read("t") == ["a", "b"])
    }

    @Test(arguments: [true, false]) func aPowerCutTakesWhatWasNotSynced(syncs: Bool) throws {
        let world = try World(seed: 3, brokers: 1, settings: syncs ? [("log.flush.interval.messages", "1")] : [])
        world.startAll()
        try world.settle()
        try world.makeTopic("t")
        try world.produce("t", ["a", "b"])
        var how = SimulatedDisk.PowerCut()
        how.losesAll = true
        world.node(1).cutPower(how)
        world.run(milliseconds: 100)
        world.node(1).start()
        try world.settle()
        #expect(try world.read("t") == (syncs ? ["a", "b"] : []))
    }

    @Test func theRealClientsWork() throws {
        let world = try World(seed: 4, brokers: 1)
        world.startAll()
        try world.settle()
        try world.makeTopic("t", partitions: 3)
        var delivered = 0
        let producer = world.addClient("producer").host(ProducerMachine(ProducerOptions(), codecs: .uncompressed)) { output in
            if case .delivered = output { delivered += 1 }
        }
        producer.start()
        for number in 0..<100 {
            let record = ProducerRecord(topic: "t", key: Bytes("k\(number % 7)"), value: Bytes("v\(number)"))
            producer.receive(.send(number: number, record))
            world.run(milliseconds: 1)
        }
        try world.run("all delivered") { _ in delivered == 100 }
        var read = 0
        let options = ReaderOptions(topics: ["t"], start: .earliest, stop: .atEnd)
        let reader = world.addClient("reader").host(TopicReaderMachine(options, codecs: .uncompressed)) { output in
            if case .records(let records, _, _) = output { read += records.count }
        }
        reader.start()
        try world.run("all read") { _ in reader.isEnded }
        #expect(read == 100)
    }

    @Test func aCutHoldsBackAndHealingLetsThrough() throws {
        let world = try World(seed: 5, brokers: 1)
        world.startAll()
        try world.settle()
        world.network.separate(HostID(1), world.probe.host)
        let pending = world.send(MetadataRequest(), to: 1)
        world.run(milliseconds: 5000)
        #expect(!pending.isDone)
        world.network.healAll()
        try world.run("the answer") { _ in pending.response != nil }
    }

    @Test func aPausedBrokerAnswersWhenItGoesOn() throws {
        let world = try World(seed: 6, brokers: 1)
        world.startAll()
        try world.settle()
        world.node(1).pause()
        let pending = world.send(MetadataRequest(), to: 1)
        world.run(milliseconds: 5000)
        #expect(!pending.isDone)
        world.node(1).resume()
        try world.run("the answer") { _ in pending.response != nil }
    }

    @Test func aSeedIsASeed() throws {
        func hash(_ seed: UInt64) throws -> UInt64 {
            let world = try World(seed: seed, brokers: 1)
            world.startAll()
            try world.settle()
            try world.makeTopic("t")
            try world.produce("t", ["a", "b"])
            world.node(1).kill()
            world.run(milliseconds: 50)
            world.node(1).start()
            try world.settle()
            _ = try world.read("t")
            return world.trace.hash
        }
        #expect(try hash(1) == hash(1))
        #expect(try hash(1) != hash(2))
    }
}
