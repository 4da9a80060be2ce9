import ClientCore
import Primitives
import Records
import Synchronization
import Testing

@testable import Client

/// Outcomes of records that were gathered: each told exactly once, whatever becomes of their batch.
@Suite struct ProducerLedgerTests {
    private final class Told: Sendable {
        let list = Mutex<[String]>([])
        func note(_ name: String, _ outcome: Producer.Outcome) {
            list.withLock {
                switch outcome {
                case .success(let place): $0.append("\(name) \(place.partition) \(place.offset ?? -1) \(place.timestamp)")
                case .failure(let error): $0.append("\(name) \(error.kind)")
                }
            }
        }
        var all: [String] { list.withLock { $0 } }
    }

    private func ledger(bytesMax: Int = 1_000, lingerMs: Int64 = 0) -> ProducerLedger {
        var options = ProducerOptions()
        (options.bufferedBytesMax, options.lingerMs) = (bytesMax, lingerMs)
        let ledger = ProducerLedger(options)
        ledger.take(.topic("log", partitions: 2, writable: [0, 1]))
        return ledger
    }

    private func send(
        _ ledger: ProducerLedger, _ value: String, at stamp: Int64 = 1, _ completion: (@Sendable (Producer.Outcome) -> Void)? = nil
    ) -> ProducerLedger.Added {
        let record = OutgoingRecord(topic: "log", partition: 0, key: nil, value: Bytes(value))
        return ledger.gather(record, timestamp: Timestamp(milliseconds: stamp), size: value.utf8.count, completion)
    }

    private func pending(_ ledger: ProducerLedger) -> PendingRecord? {
        var source: PendingRecord.Source?
        let record = OutgoingRecord(topic: "log", partition: 0, key: nil, value: Bytes("v"))
        _ = ledger.gather(record, timestamp: 5, size: 1, nil) { source = .gathered(ledger, $0, $1) }
        return source.map { PendingRecord(source: $0) }
    }

    private func call(_ added: ProducerLedger.Added) -> ProducerLedger.Call? { if case .taken(let call) = added { call } else { nil } }

    private func drained(_ ledger: ProducerLedger, all: Bool = true) -> [Int] {
        guard case .gathered(_, let gathered)? = ledger.drain(all: all) else { return [] }
        return gathered.map { Int($0.builder.count) }
    }

    @Test func eachIsToldItsPlace() {
        let (ledger, told) = (ledger(), Told())
        let same: @Sendable (Producer.Outcome) -> Void = { told.note("same", $0) }
        for stamp in [1, 1, 2] as [Int64] { _ = send(ledger, "v", at: stamp, same) }
        _ = send(ledger, "v", at: 2) { told.note("other", $0) }
        _ = send(ledger, "v", at: 2)
        for index in 0..<2 { _ = send(ledger, "v", at: 3) { told.note("own\(index)", $0) } }
        #expect(drained(ledger) == [7])
        ledger.take(.written(serial: 0, 0..<7, TopicPartition("log", 0), 40))
        #expect(told.all == ["same 0 40 1", "same 0 41 1", "same 0 42 2", "other 0 43 2", "own0 0 45 3", "own1 0 46 3"])
        ledger.take(.lost(serial: 0, 0..<7, .stopped))
        #expect(told.all.count == 6)
    }

    @Test func partsOfABatchEndEachInItsWay() async throws {
        let (ledger, told) = (ledger(), Told())
        let waiting = try #require(pending(ledger))
        for index in 1...3 { _ = send(ledger, "v") { told.note("\(index)", $0) } }
        let last = try #require(pending(ledger))
        async let early = waiting.metadata.offset
        #expect(drained(ledger) == [5])
        ledger.take(.written(serial: 0, 3..<5, TopicPartition("log", 0), 9))
        ledger.take(.lost(serial: 0, 1..<3, .timedOut("Produce")))
        #expect(told.all == ["3 0 9 1", "1 timedOut", "2 timedOut"])
        #expect(ledger.idle() != nil)
        ledger.take(.written(serial: 0, 0..<1, TopicPartition("log", 0), .none))
        #expect(ledger.idle() == nil)
        #expect(try await last.metadata == RecordMetadata(topic: "log", partition: 0, offset: 10, timestamp: 5))
        #expect(try await early == nil)
        #expect(try await waiting.metadata.offset == nil)
    }

    @Test func whatIsOpenAtTheEndFailsOnce() async throws {
        let (ledger, told) = (ledger(), Told())
        for index in 0..<4 { _ = send(ledger, "v") { told.note("\(index)", $0) } }
        #expect(drained(ledger) == [4])
        ledger.take(.written(serial: 0, 1..<2, TopicPartition("log", 0), 7))
        // Not handed over yet.
        let waiting = try #require(pending(ledger))
        ledger.abandon()
        #expect(told.all == ["1 0 7 1", "0 closed", "2 closed", "3 closed"])
        await #expect(throws: KafkaError.self) { try await waiting.metadata }
        #expect(ledger.idle() == nil)
        guard case .closed = send(ledger, "v") else {
            Issue.record("taken after the end")
            return
        }
    }

    @Test func memoryIsFreeWhenABatchIsThrough() {
        let ledger = ledger(bytesMax: 10)
        _ = send(ledger, "12345")
        _ = send(ledger, "67890")
        guard case .full = send(ledger, "x") else {
            Issue.record("taken without room")
            return
        }
        let room = ledger.roomWaiter(bytes: 1)
        #expect(drained(ledger, all: false) == [2])
        ledger.take(.lost(serial: 0, 0..<1, .stopped))
        ledger.take(.lost(serial: 0, 1..<2, .stopped))
        #expect(room.wait(milliseconds: 0) != nil)
        #expect(call(send(ledger, "x")) != nil)
    }

    @Test func handingOverIsAskedForOnce() {
        let ledger = ledger()
        #expect((0..<3).map { _ in call(send(ledger, "v")) } == [.now, .nothing, .nothing])
        #expect(drained(ledger, all: false) == [3])
        #expect(call(send(ledger, "v")) == .now)
    }

    @Test func lingerIsWaitedForUnlessSomebodyWaits() throws {
        let ledger = ledger(lingerMs: 60_000)
        guard case .at(let due)? = call(send(ledger, "v")) else {
            Issue.record("does not linger")
            return
        }
        #expect(call(send(ledger, "v")) == .nothing)
        #expect(drained(ledger, all: false).isEmpty)
        let (input, next) = ledger.drainDue()
        #expect(input == nil && next == due)
        #expect(ledger.idle() != nil)
        #expect(drained(ledger, all: false) == [2])
        // Somebody waits until all is written.
        #expect(call(send(ledger, "v")) == .now)
        #expect(drained(ledger, all: false) == [1])
        #expect(ledger.drainDue().next == nil)
    }

    /// What the machine has to place goes before what was gathered later.
    @Test func recordsOfUnknownTopicsGoFirst() {
        let ledger = ledger()
        guard case .homeless = ledger.gather(OutgoingRecord(topic: "new", value: Bytes("a")), timestamp: 1, size: 1, nil) else {
            Issue.record("a topic that is not known is gathered")
            return
        }
        #expect(call(ledger.add(ProducerRecord(topic: "new", value: Bytes("a")), { _ in })) == .now)
        ledger.take(.topic("new", partitions: 1, writable: [0]))
        _ = ledger.gather(OutgoingRecord(topic: "new", value: Bytes("b")), timestamp: 1, size: 1, nil)
        guard case .gathered(let records, let gathered)? = ledger.drain(all: false) else {
            Issue.record("nothing is handed over")
            return
        }
        #expect(records.map(\.record.value) == [Bytes("a")])
        #expect(gathered.map { $0.builder.records.map(\.value) } == [[Bytes("b")]])
    }
}
