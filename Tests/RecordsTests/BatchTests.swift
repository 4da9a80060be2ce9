import Compression
import Primitives
import Testing

@testable import Records

@Suite struct BatchTests {
    private let samples: [Record] = [
        Record(timestamp: 1000, key: Bytes("k"), value: Bytes("v")),
        Record(offset: 1, timestamp: 990, key: nil, value: Bytes("no key")),
        Record(offset: 2, timestamp: 2_000_000_000_000, key: Bytes(), value: nil),
        Record(
            offset: 3, timestamp: 1001, key: Bytes([0xff, 0]), value: Bytes([UInt8](repeating: 7, count: 300)),
            headers: [RecordHeader("a", Bytes("1")), RecordHeader("a", nil), RecordHeader("", Bytes())]),
    ]

    private func build(_ codec: Codec = .none, base: Offset = 0) throws -> Bytes {
        var builder = BatchBuilder(baseOffset: base, codec: codec, producerID: 9, producerEpoch: 2, baseSequence: 40)
        for record in samples { builder.append(record) }
        #expect(builder.count == 4 && builder.maxTimestamp == 2_000_000_000_000)
        return try builder.build(.system)
    }

    @Test(arguments: Codec.allCases) func whatIsBuiltIsRead(codec: Codec) throws {
        let bytes = try build(codec, base: 70)
        let batch = try #require(try BatchWalk.all(in: bytes).first)
        #expect(batch.isChecksumValid && batch.header.codec == codec && batch.header.sizeInBytes == bytes.count)
        #expect((batch.header.baseOffset, batch.header.lastOffset, batch.header.recordCount) == (70, 73, 4))
        #expect((batch.header.baseSequence, batch.header.lastSequence) == (40, 43))
        #expect(batch.header.maxTimestamp == 2_000_000_000_000 && batch.header.baseTimestamp == 1000)
        let expected = samples.map { sample in
            var moved = sample
            moved.offset = sample.offset + 70
            return moved
        }
        #expect(try batch.records(.system) == expected)
    }

    /// A batch of Kafka's own producer, from a recorded directory: built again from its records it is the same, bit for bit.
    @Test func kafkasBatchIsRebuiltBitForBit() throws {
        let hex =
            "0000000000000000000000670000000002965f4bfc0010000000020000018bcfe568000000018bcfe56802000000000000000100000000"
            + "00000000000322000000023014636f6d6d697420302e300022000202023014636f6d6d697420302e310022000404023014636f6d6d6974"
            + "20302e3200"
        let bytes = try #require(Bytes(hex: hex))
        let batch = try #require(try BatchWalk.all(in: bytes).first)
        #expect(batch.isChecksumValid && batch.header.isTransactional)
        var builder = BatchBuilder(producerID: 1, producerEpoch: 0, baseSequence: 0, isTransactional: true, leaderEpoch: 0)
        for record in try batch.records(.uncompressed) { builder.append(record) }
        #expect(builder.buildUncompressed() == bytes)
    }

    @Test(arguments: Codec.allCases) func partsAreTheWhole(codec: Codec) throws {
        var builder = BatchBuilder(codec: codec, producerID: 9, producerEpoch: 2, baseSequence: 40)
        for record in samples { builder.append(record) }
        let parts = try builder.buildParts(.system)
        #expect(parts.header.count == BatchHeader.size)
        #expect(Bytes(parts.header.array + parts.records.array) == (try builder.build(.system)))
    }

    @Test func recordsOfSeveralBuildersGoTogether() throws {
        var whole = BatchBuilder()
        var joined = BatchBuilder()
        for split in 1..<samples.count {
            var (first, second) = (BatchBuilder(), BatchBuilder())
            for record in samples[..<split] { first.append(record) }
            for record in samples[split...] { second.append(record) }
            joined.append(first)
            joined.append(BatchBuilder())
            joined.append(second)
            for record in samples { whole.append(record) }
        }
        #expect(joined.buildUncompressed() == whole.buildUncompressed())
        #expect(joined.count == 12 && joined.maxTimestamp == whole.maxTimestamp)
    }

    /// Copies of a builder, and what was built of it, share memory; nobody sees what another appends.
    @Test func builderIsAValue() throws {
        var builder = BatchBuilder()
        builder.reserve(1_000)
        builder.append(samples[0])
        var copy = builder
        let parts = try builder.buildParts(.uncompressed)
        let before = (parts.records.array, builder.records)
        builder.append(samples[1])
        copy.append(samples[2])
        #expect(builder.records.map(\.value) == [samples[0].value, samples[1].value])
        #expect(copy.records.map(\.value) == [samples[0].value, samples[2].value])
        #expect(parts.records.array == before.0 && before.1 == [samples[0]])
    }

    @Test func walksStopAtAnIncompleteBatch() throws {
        let one = try build()
        let two = Bytes(one.array + one.array)
        for cut in 0...two.count {
            let found = try BatchWalk.all(in: two.prefix(cut)).count
            #expect(found == cut / one.count)
        }
    }

    /// Overwrites one to `most` bytes.
    private func damage(_ bytes: inout [UInt8], _ most: UInt64, _ generator: inout PRNG) {
        for _ in 0...(generator.next() % most) {
            bytes[Int(generator.next() % UInt64(bytes.count))] = UInt8(truncatingIfNeeded: generator.next())
        }
    }

    @Test func damagedBytesNeverTrap() throws {
        var generator = PRNG(seed: 3)
        for codec in Codec.allCases {
            let bytes = try build(codec)
            for _ in 0..<3000 {
                var damaged = bytes.array
                damage(&damaged, 3, &generator)
                guard let batches = try? BatchWalk.all(in: Bytes(damaged)) else { continue }
                for batch in batches {
                    _ = batch.isChecksumValid
                    _ = try? batch.records(.system, limit: 1 << 20)
                    _ = (batch.header.lastOffset, batch.header.lastSequence)
                }
                var rules = BatchRules()
                rules.needsKeys = true
                rules.inflatedBytesMax = 1 << 20
                for batch in batches { _ = try? BatchValidation.prepare(batch, rules, now: 0, codecs: .system) }
            }
        }
    }

    /// The check of one record accepts exactly what the full parse accepts, and finds the same.
    @Test func theCheckAgreesWithTheParse() throws {
        var generator = PRNG(seed: 17)
        let payload = try build().dropFirst(BatchHeader.size).array
        for _ in 0..<20_000 {
            var bytes = payload
            damage(&bytes, 2, &generator)
            let damaged = Bytes(bytes).prefix(bytes.count - Int(generator.next() % 3))
            var walk = RecordCheck()
            var at = 0
            while at < damaged.count {
                let shape = damaged.withUnsafeBytes { RecordShape.parse($0.baseAddress!, at: at, limit: damaged.count) }
                let isGood = damaged.withUnsafeBytes { walk.next($0.baseAddress!, damaged.count) }
                guard let shape, isGood else {
                    // The parse also wants an offset delta of 32 bits, which validation compares with the index.
                    #expect(shape == nil && (!isGood || Int32(exactly: walk.offsetDelta) == nil))
                    break
                }
                #expect((walk.timestampDelta, walk.offsetDelta) == (shape.timestampDelta, Int64(shape.offsetDelta)))
                #expect(walk.hasKey == (shape.keyLength >= 0) && walk.position == shape.end)
                at = shape.end
            }
        }
    }

    /// Around the lengths at which numbers take another byte, with and without keys and headers, whole and damaged.
    @Test func theCheckAgreesWithTheParseOnAllLengths() throws {
        var generator = PRNG(seed: 18)
        let lengths = [0, 1, 2, 55, 56, 57, 58, 63, 64, 65, 127, 128, 8180, 8185, 8190, 8191, 8192, 8193, 20_000]
        for round in 0..<3000 {
            var builder = BatchBuilder()
            for index in 0..<1 + Int(generator.next() % 4) {
                let value = [UInt8](repeating: 7, count: generator.pick(lengths))
                let key = [UInt8](repeating: 9, count: generator.pick([0, 1, 62, 63, 64, 100]))
                builder.append(
                    timestamp: Timestamp(milliseconds: Int64(generator.pick([0, 1, 63, 64, 8191, 8192, 1 << 40])) + Int64(index)),
                    key: generator.oneIn(3) ? nil : Bytes(key), value: generator.oneIn(5) ? nil : Bytes(value),
                    headers: generator.oneIn(4) ? [RecordHeader("h", Bytes([1]))] : [])
            }
            var bytes = builder.buildUncompressed().dropFirst(BatchHeader.size).array
            if round % 2 == 1 { bytes[Int(generator.next() % UInt64(min(40, bytes.count)))] = UInt8(truncatingIfNeeded: generator.next()) }
            let payload = Bytes(bytes).prefix(bytes.count - (generator.oneIn(4) ? 1 : 0))
            var walk = RecordCheck()
            var at = 0
            while at < payload.count {
                let shape = payload.withUnsafeBytes { RecordShape.parse($0.baseAddress!, at: at, limit: payload.count) }
                let isGood = payload.withUnsafeBytes { walk.next($0.baseAddress!, payload.count) }
                guard let shape, isGood else {
                    #expect(shape == nil && (!isGood || Int32(exactly: walk.offsetDelta) == nil))
                    break
                }
                #expect((walk.timestampDelta, walk.offsetDelta) == (shape.timestampDelta, Int64(shape.offsetDelta)))
                #expect(walk.hasKey == (shape.keyLength >= 0) && walk.position == shape.end)
                at = shape.end
            }
        }
    }

    /// What a walk says of these records, all of it.
    private func verdict(_ bytes: [UInt8], _ begun: Int64, _ total: Int, isExact: Bool) -> String {
        let payload = Bytes(bytes)
        var walk = RecordWalk(begun: begun)
        do throws(BatchError) { try walk.take(payload.pointer, payload.count, Int64(total), isExact: isExact) } catch { return "\(error)" }
        return "\(walk.position) \(walk.count) \(walk.least) \(walk.greatest) \(walk.areAllKeyed)"
    }

    /// Records of a few habits: of one size or of many, with keys, without or now and then, with few headers or none.
    private func habitual(_ generator: inout PRNG) -> (payload: [UInt8], count: Int) {
        var builder = BatchBuilder()
        let count = generator.oneIn(40) ? 8100 + generator.below(200) : 1 + generator.below(generator.oneIn(2) ? 12 : 200)
        let sizes = generator.pick([[100], [0, 1, 20], [61, 62, 63, 64, 65], [40, 60, 80, 300], [8189, 8190, 8191, 8192, 100]])
        let keys = generator.pick([[-1], [8], [-1, 8], [0, 1, 61, 62, 63, 64, 65]])
        let (mostLate, headers) = (generator.pick([1, 3, 40, 100, 9000]), generator.pick([1000, 1000, 20, 1]))
        let (key, value) = (Bytes([UInt8](repeating: 1, count: 70)), Bytes([UInt8](repeating: 7, count: 8192)))
        for _ in 0..<count {
            let keyLength = generator.pick(keys)
            let size = count > 1000 ? min(generator.pick(sizes), 100) : generator.pick(sizes)
            builder.append(
                timestamp: Timestamp(milliseconds: 1_000_000 + Int64(generator.below(mostLate))),
                key: keyLength < 0 ? nil : key.prefix(keyLength), value: generator.oneIn(300) ? nil : value.prefix(size),
                headers: generator.oneIn(headers) ? [RecordHeader("h", Bytes([1])), RecordHeader("", nil)] : [])
        }
        return (builder.buildUncompressed().dropFirst(BatchHeader.size).array, count)
    }

    /// The short way through runs of records says what the exact one says, of good batches and of damaged ones, word for word.
    @Test func theShortWayAgreesWithTheExactOne() throws {
        var generator = PRNG(seed: 19)
        var good = 0
        for _ in 0..<1200 {
            let (payload, count) = habitual(&generator)
            for begun in [1_000_000, generator.pick([-1, 0, 1 << 16, 1 << 62, .max - 5, .min])] as [Int64] {
                let short = verdict(payload, begun, count, isExact: false)
                #expect(short == verdict(payload, begun, count, isExact: true))
                if !short.contains("invalid") { good += 1 }
            }
            for _ in 0..<12 {
                var bytes = payload
                switch generator.below(4) {
                // One bit anywhere, so that most of it is as it was; or more at the front, where the numbers are.
                case 0: bytes[generator.below(bytes.count)] ^= 1 << UInt8(generator.below(8))
                case 1: bytes[generator.below(min(24, bytes.count))] = UInt8(truncatingIfNeeded: generator.next())
                case 2: bytes.removeLast(min(bytes.count - 1, generator.below(100)))
                default: bytes.swapAt(generator.below(bytes.count), generator.below(bytes.count))
                }
                let total = max(1, count + generator.pick([0, 0, 0, -1, 1]))
                #expect(verdict(bytes, 1_000_000, total, isExact: false) == verdict(bytes, 1_000_000, total, isExact: true))
            }
        }
        #expect(good > 2000)
    }

    /// The numbers before the value of a record in the middle of others, each at all its values of one byte and many of two.
    @Test func theShortWayAgreesOnEveryHead() throws {
        var generator = PRNG(seed: 20)
        for length in [20, 100] {
            var builder = BatchBuilder()
            for _ in 0..<70 { builder.append(timestamp: 5, key: Bytes("key"), value: Bytes([UInt8](repeating: 0, count: length))) }
            let payload = builder.buildUncompressed().dropFirst(BatchHeader.size).array
            var second = RecordCheck()
            Bytes(payload).withUnsafeBytes { _ = second.next($0.baseAddress!, payload.count) }
            for place in 0..<12 {
                for byte in 0...255 {
                    var bytes = payload
                    bytes[second.position + place] = UInt8(byte)
                    if byte > 127 { bytes[second.position + place + 1] = UInt8(generator.below(256)) }
                    #expect(verdict(bytes, 1_000_000, 70, isExact: false) == verdict(bytes, 1_000_000, 70, isExact: true))
                }
            }
        }
    }

    @Test func onlyFaultyRecordsAreNamed() throws {
        func prepared(_ timestamps: [Int64], keyed: Bool = true, _ change: (inout BatchRules) -> Void) throws(BatchError) {
            var builder = BatchBuilder()
            for time in timestamps { builder.append(timestamp: Timestamp(milliseconds: time), key: keyed ? Bytes("k") : nil, value: nil) }
            var rules = BatchRules()
            change(&rules)
            let batch: RecordBatch = try BatchValidation.single(builder.buildUncompressed(), rules)
            _ = try BatchValidation.prepare(batch, rules, now: 10_000, codecs: .uncompressed)
        }
        let least: (inout BatchRules) -> Void = { $0.timestampBeforeMaxMilliseconds = 1000 }
        try prepared([-1, 9500, 10_000], least)
        try prepared([-1, -1], least)
        for (times, faulty) in [([-1, 5, 9500], 1), ([5, -1, 9500], 0), ([9500, 9600, 100], 2), ([9500, 4_000_000, -1], 1)] {
            do throws(BatchError) {
                try prepared(times.map(Int64.init), least)
                Issue.record("\(times) were taken")
            } catch {
                guard case .timestampOutOfRange(let errors) = error else { throw error }
                #expect(errors.map(\.index) == [Int32(faulty)])
            }
        }
        #expect(throws: BatchError.self) { try prepared([10_000], keyed: false) { $0.needsKeys = true } }
    }

    @Test func markersAreRead() throws {
        let bytes = EndTransactionMarker(isCommit: true, coordinatorEpoch: 7).batch(producerID: 3, producerEpoch: 1, timestamp: 50)
        let batch = try #require(try BatchWalk.all(in: bytes).first)
        #expect(batch.header.isControl && batch.header.isTransactional && batch.header.baseSequence == -1)
        let record = try #require(try batch.records(.uncompressed).first)
        #expect(EndTransactionMarker(record) == EndTransactionMarker(isCommit: true, coordinatorEpoch: 7))
        #expect(bytes.count == 78)
    }

    @Test func sequencesWrapBothWays() {
        #expect(BatchHeader.sequence(.max, advancedBy: 1) == 0)
        #expect(BatchHeader.sequence(.max - 2, advancedBy: 5) == 2)
        #expect(BatchHeader.sequence(-1, advancedBy: 5) == -1)
        #expect(BatchHeader.sequence(0, advancedBy: .max) == .max)
    }
}
