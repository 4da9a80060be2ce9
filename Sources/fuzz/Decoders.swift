import Compression
import Controller
import Primitives
import Quorum
import Records
import Storage
import Wire

/// What anything may inflate to here: small, so that the search stays fast.
private let inflatedBytesMax = 1 << 20

/// Hands bytes of unknown origin to one decoder, chosen by the first byte. None may trap, leak or allocate beyond its bounds, and what a
/// codec accepted has to survive another round.
func decodeAnything(_ input: UnsafeRawBufferPointer) {
    guard let kind = input.first else { return }
    let bytes = Bytes(UnsafeRawBufferPointer(rebasing: input.dropFirst()))
    switch kind % 12 {
    case 0, 1: decodeRequest(bytes)
    case 2: decodeResponse(bytes)
    case 3: decodeInternalRecord(bytes)
    case 4: decodeConsumerProtocol(bytes)
    case 5: decodeBatches(bytes)
    case 6: decompress(bytes)
    case 7: decodeFiles(bytes)
    case 8: runBroker(bytes)
    case 9, 10: decodePayload(bytes)
    default: openDamagedLog(bytes)
    }
}

/// A request frame, as from a socket.
private func decodeRequest(_ frame: Bytes) {
    guard let (header, body) = try? RequestHeader.decode(frame), let key = header.key else { return }
    checkBody(body, key.requestType, header.apiVersion)
}

/// Key, version, then a response's body.
private func decodeResponse(_ bytes: Bytes) {
    guard bytes.count >= 2, let key = APIKey(rawValue: Int16(bytes[0])) else { return }
    checkBody(bytes.dropFirst(2), key.responseType, Int16(bytes[1]))
}

private func checkBody<M: WireMessage>(_ body: Bytes, _: M.Type, _ version: Int16) {
    guard let message = try? M.decode(body, version: version) else { return }
    let again = message.encode(version: version)
    guard let second = try? M.decode(again, version: version) else { fatalError("what was encoded cannot be decoded") }
    precondition(second.encode(version: version) == again, "a second round differs")
    _ = WirePrinter.print(message, version: version)
}

/// Length of the key, key, value: a record of every internal topic in turn.
private func decodeInternalRecord(_ bytes: Bytes) {
    guard let first = bytes.isEmpty ? nil : bytes[0] else { return }
    let key = bytes.dropFirst(1).prefix(Int(first))
    let value = bytes.dropFirst(1 + Int(first))
    _ = RecordText.offsets(key: key, value: value)
    _ = RecordText.transactions(key: key, value: value)
    _ = RecordText.control(key: key, value: value)
    _ = RecordText.metadata(value: value)
    if let (record, version) = try? MetadataRecord.decodeVersioned(value) {
        let again = record.encode(version: version)
        guard let second = try? MetadataRecord.decode(again) else { fatalError("what was encoded cannot be decoded") }
        precondition(second.encode(version: version) == again, "a second round differs")
    }
}

private func decodeConsumerProtocol(_ bytes: Bytes) {
    _ = try? ConsumerProtocolSubscription.decode(bytes).encoded()
    _ = try? ConsumerProtocolAssignment.decode(bytes).encoded()
}

/// Batches as from a producer or a segment. Their checksum is put right first: chance would never hit it.
private func decodeBatches(_ bytes: Bytes) {
    if bytes.count > BatchHeader.size, let header = try? BatchHeader.parse(bytes), header.sizeInBytes <= bytes.count,
        header.sizeInBytes > BatchField.attributes
    {
        bytes.patch(BatchField.crc, CRC32C.checksum(bytes.slice(BatchField.attributes, header.sizeInBytes)))
    }
    for batch in (try? BatchWalk.all(in: bytes)) ?? [] {
        _ = batch.header.nextOffset
        _ = batch.header.lastSequence
        _ = try? batch.records(.system, limit: inflatedBytesMax)
    }
    var rules = BatchRules()
    rules.inflatedBytesMax = inflatedBytesMax
    if let batch = try? BatchValidation.single(bytes, rules) {
        _ = try? BatchValidation.prepare(batch, rules, now: Timestamp(milliseconds: 0), codecs: .system)
    }
}

/// Codec, then what it is to inflate.
private func decompress(_ bytes: Bytes) {
    guard !bytes.isEmpty, let codec = Codec(rawValue: bytes[0] % 5) else { return }
    guard let plain = try? Codecs.system.decompress(codec, bytes.dropFirst(1), limit: inflatedBytesMax) else { return }
    precondition(codec == .none || plain.count <= inflatedBytesMax, "inflated beyond the limit")
}

/// The small files of a data directory, which may be foreign or damaged.
private func decodeFiles(_ bytes: Bytes) {
    _ = ProducerSnapshot.decode(bytes)
    _ = TransactionIndex.decode(bytes)
    let text = bytes.lossyString
    _ = Checkpoint.offsets(text)
    _ = Checkpoint.leaderEpochs(text)
    _ = MetaProperties.read(text)
    _ = CleanShutdownFile.brokerEpoch(text)
    _ = SegmentFile.parse(text)
    _ = QuorumState(text: text)
    _ = try? JavaProperties.parse(text)
    _ = try? BrokerConfig(text: text)
}
