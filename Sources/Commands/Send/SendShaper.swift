import ClientCore
import Console
import Observatory
import Payloads
import Primitives
import Records

/// Makes of each message read what a job would write, or says why nothing.
struct SendShaper {
    enum Shaped {
        case message(ProducerRecord)
        case filtered
        case dropped
        case failed(String)
        case withoutOrigin
    }

    let job: SendJob
    /// Written to another cluster than the one that is read.
    private let isElsewhere: Bool
    private let filter: TailFilter
    private let transform: JQProgram?
    private let clusterID: String?
    private let book: SchemaBook?
    private let masks: MessageMasks

    init(
        _ job: SendJob, now: Timestamp, clusterID: String?, book: SchemaBook? = nil, masks: MessageMasks = .none, isElsewhere: Bool = false
    ) throws(Failure) {
        self.isElsewhere = isElsewhere
        self.job = job
        self.book = book
        self.masks = masks
        self.clusterID = clusterID
        filter = TailFilter(job.filter, now: now, compile: compileTailProgram)
        if let problem = filter.problem { throw .usage("filter: \(problem)") }
        do throws(JQProgram.Failure) {
            transform = job.transform.isEmpty ? nil : try JQProgram(job.transform)
        } catch {
            throw .usage("transform: \(error.message)")
        }
    }

    func shape(_ record: ReadRecord) -> Shaped {
        let message = TailMessage(record, book)
        // What a filter finds is told as a count: it looks at what may be seen.
        switch filter.outcome(masks.book.applies(to: record.partition.topic) ? TailMessage(record, book, masks: masks.book) : message) {
        case .hidden: return .filtered
        case .failed(let reason): return .failed(reason)
        case .asItIs, .instead: break
        }
        var target: (topic: String, partition: Int32?)
        switch job.target {
        case .topic(let name): target = (name, job.keepsPartitions ? record.partition.partition : nil)
        case .own: target = (record.partition.topic, record.partition.partition)
        case .origin:
            guard let origin = DeadLetterOrigin(headers: message.headers.map { ($0.name, $0.value) }) else { return .withoutOrigin }
            target = (origin.topic, job.keepsPartitions ? origin.partition : nil)
        }
        let objection = masks.objection(
            from: record.partition.topic, to: target.topic, isTransformed: transform != nil, isElsewhere: isElsewhere)
        if let objection { return .failed(objection) }
        var out = ProducerRecord(topic: target.topic, partition: target.partition, key: record.key, value: record.value)
        out.headers = record.headers.filter { !job.stripsErrors || !DeadLetterOrigin.isErrorHeader($0.key.lossyString) }
        if job.keepsTimes { out.timestamp = record.timestamp }
        switch transformed(message) {
        case .success(.some(let value)): out.value = value.bytes
        case .success(nil): return .dropped
        case .failure(let failure): return .failed(failure.message)
        }
        if job.marks { mark(&out, record) }
        return .message(out)
    }

    /// A value that may be null; nil where the transform put nothing out.
    private struct Value {
        var bytes: Bytes?
    }

    private func transformed(_ message: TailMessage) -> Result<Value?, JQProgram.Failure> {
        guard let transform else { return .success(Value(bytes: message.value)) }
        // JSON in the place of Avro, Protobuf or MessagePack would be read by nobody.
        if message.decodedValue != nil {
            let why = message.decoding.map { " (\($0))" } ?? ""
            return .failure(JQProgram.Failure("the value is shown as JSON and is none\(why), and cannot be written back"))
        }
        return transform.run(message.jqInput).map { outputs in
            outputs.first.map { $0 == .null ? Value(bytes: nil) : Value(bytes: Bytes($0.text)) }
        }
    }

    /// A copy of a copy says what it is a copy of itself.
    private func mark(_ out: inout ProducerRecord, _ record: ReadRecord) {
        out.headers.removeAll { $0.key == Bytes(SendJob.marker) }
        out.headers.append(RecordHeader(key: Bytes(SendJob.marker), value: Bytes(marker(record.partition, record.offset))))
    }

    func marker(_ partition: TopicPartition, _ offset: Offset) -> String {
        (clusterID.map { $0 + "/" } ?? "") + "\(partition)@\(offset)"
    }

    /// A message that would be written, as it may be seen: by the rules of where it comes from and of where it goes.
    func shown(_ message: NewMessage) -> NewMessage {
        var sources = [message.topic]
        if case .topics(let reading) = job.source { sources += reading.topics }
        var shown = TailMessage(
            partition: TopicPartition(message.topic, 0), offset: 0, timestamp: .none, key: message.key, value: message.value,
            headers: message.headers.map { TailMessage.Header($0.name, $0.value) })
        for source in sources {
            shown.partition.topic = source
            masks.book.mask(&shown)
        }
        // What a program made of it has its fields elsewhere.
        if transform != nil, sources.contains(where: masks.book.applies) { shown.value = Bytes("(masked)") }
        var out = message
        (out.key, out.value) = (shown.key, shown.value)
        out.headers = shown.headers.map { NewMessage.Header($0.name, $0.value) }
        return out
    }

    /// A message that somebody holds.
    func shape(_ message: NewMessage) -> Shaped {
        var topic = message.topic
        if case .topic(let name) = job.target { topic = name }
        var out = ProducerRecord(
            topic: topic, partition: message.partition, key: message.key, value: message.value,
            headers: message.headers.map { RecordHeader($0.name, $0.value) })
        let held = TailMessage(
            partition: TopicPartition(topic, message.partition ?? 0), offset: 0, timestamp: .none, key: message.key, value: message.value,
            headers: message.headers.map { TailMessage.Header($0.name, $0.value) })
        switch transformed(held) {
        case .success(.some(let value)): out.value = value.bytes
        case .success(nil): return .dropped
        case .failure(let failure): return .failed(failure.message)
        }
        return .message(out)
    }
}
