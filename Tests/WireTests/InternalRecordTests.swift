import Primitives
import Testing

@testable import Wire

/// Records of internal topics against a data directory that Apache Kafka wrote and its own dump tool's words.
@Suite struct InternalRecordTests {
    struct Row {
        var topic: String
        var key: Bytes?
        var value: Bytes?
        var text: String
    }

    private func rows(_ topic: String) throws -> [Row] {
        try Fixture.rows("records.tsv").filter { $0[0] == topic }.map { row in
            Row(
                topic: topic, key: row[1] == "-" ? nil : Bytes(hex: String(row[1]))!,
                value: row[2] == "-" ? nil : Bytes(hex: String(row[2]))!, text: String(row[3]))
        }
    }

    @Test func metadataRecordsComeBackByteForByteAndPrintAsKafkaPrintsThem() throws {
        let rows = try rows("metadata")
        #expect(rows.count > 40)
        for row in rows {
            let value = try #require(row.value)
            let (record, version) = try MetadataRecord.decodeVersioned(value)
            #expect(record.message != nil, "not described: \(row.text)")
            #expect(record.encode(version: version).hex == value.hex, "\(row.text)")
            #expect(RecordText.metadata(value: value) == row.text)
        }
    }

    @Test func groupRecordsComeBackByteForByteAndPrintAsKafkaPrintsThem() throws {
        let rows = try rows("offsets").filter { !$0.text.hasPrefix("endTxnMarker") }
        #expect(rows.count > 60)
        for row in rows {
            let key = try #require(row.key)
            let decoded = try GroupRecordKey.decode(key)
            #expect(try #require(decoded.message).encodeKey().hex == key.hex)
            if let value = row.value, let type = decoded.valueType {
                #expect(try reencode(value, as: type).hex == value.hex, "\(row.text)")
            }
            #expect(RecordText.offsets(key: key, value: row.value) == row.text)
        }
    }

    @Test func transactionRecordsComeBackByteForByteAndPrintAsKafkaPrintsThem() throws {
        let rows = try rows("transactions")
        #expect(rows.count > 10)
        for row in rows {
            let key = try #require(row.key)
            #expect(try TransactionLogKey.decodeKey(key).encodeKey().hex == key.hex)
            if let value = row.value { #expect(try reencode(value, as: TransactionLogValue.self).hex == value.hex) }
            #expect(RecordText.transactions(key: key, value: row.value) == row.text)
        }
    }

    @Test func shareStatesComeBackByteForByteAndPrintAsKafkaPrintsThem() throws {
        let rows = try rows("shares")
        #expect(rows.count >= 3)
        for row in rows {
            let key = try #require(row.key)
            let value = try #require(row.value)
            switch try ShareStateRecordKey.decode(key) {
            case .snapshot(let decoded):
                #expect(decoded.encodeKey().hex == key.hex)
                #expect(try reencode(value, as: ShareSnapshotValue.self).hex == value.hex)
            case .update(let decoded):
                #expect(decoded.encodeKey().hex == key.hex)
                #expect(try reencode(value, as: ShareUpdateValue.self).hex == value.hex)
            }
            #expect(RecordText.shareState(key: key, value: value) == row.text)
            #expect(RecordText.shareState(key: key, value: nil) == row.text.prefix(while: { $0 != "}" }) + "}} payload: <DELETE>")
        }
        #expect(throws: WireError.self) { try ShareStateRecordKey.decode(Bytes(hex: "0002")!) }
    }

    @Test func controlRecordsComeBackByteForByteAndPrintAsKafkaPrintsThem() throws {
        let rows = try rows("control") + rows("offsets").filter { $0.text.hasPrefix("endTxnMarker") }
        #expect(rows.count >= 7)
        for row in rows {
            let key = try #require(row.key)
            let value = try #require(row.value)
            let record = try ControlRecord.decode(key: key, value: value)
            #expect(record.key.hex == key.hex && record.value.hex == value.hex)
            #expect(RecordText.control(key: key, value: value) == row.text)
        }
    }

    @Test func metadataRecordsOfUnknownTypeOrNewerVersionAreKept() throws {
        let unknown = Bytes([1, 0x7a, 0, 1, 2, 3])
        #expect(try MetadataRecord.decode(unknown) == .opaque(OpaqueMetadataRecord(type: 0x7a, version: 0, body: Bytes([1, 2, 3]))))
        #expect(try MetadataRecord.decode(unknown).encode() == unknown)
        let newer = Bytes([1, 2, 9, 1, 2, 3])
        #expect(try MetadataRecord.decode(newer).encode() == newer)
        #expect(throws: WireError.unknownKind(2)) { try MetadataRecord.decode(Bytes([2, 0, 0])) }
        #expect(throws: WireError.truncated) { try MetadataRecord.decode(Bytes([1, 2, 0, 5])) }
    }

    @Test func aNewerSubscriptionIsReadAsTheNewestDescribed() throws {
        var subscription = ConsumerProtocolSubscription()
        subscription.topics = ["a", "b"]
        subscription.rackID = "r"
        var bytes = subscription.encoded().array
        bytes[1] = 9
        #expect(try ConsumerProtocolSubscription.decode(Bytes(bytes + [1, 2, 3])) == subscription)
        #expect(throws: WireError.unsupportedVersion(-1)) { try ConsumerProtocolSubscription.decode(Bytes([0xff, 0xff])) }
    }

    private func reencode<V: CoordinatorValue>(_ value: Bytes, as: V.Type) throws -> Bytes {
        let (decoded, version) = try V.decodeVersionedValue(value)
        return decoded.encodeValue(version: version)
    }
}
