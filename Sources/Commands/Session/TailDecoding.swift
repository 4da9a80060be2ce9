import ClientCore
import Console
import Payloads
import Primitives
import Records
import Wire

extension TailMessage {
    /// With a book, what is written by a schema is read by it; the rest is taken for `format`. What is masked is masked from here on.
    init(_ record: ReadRecord, _ book: SchemaBook? = nil, _ format: PayloadFormat = .automatic, masks: MaskBook = .none) {
        self.init(
            partition: record.partition, offset: record.offset, timestamp: record.timestamp, key: record.key, value: record.value,
            headers: record.headers.map { Header($0.key.lossyString, $0.value) })
        producerID = record.producerID
        isTransactional = record.isTransactional
        if let control = record.control { marker = control == .commit ? .commit : control == .abort ? .abort : .other }
        if marker == nil { decodeInternal() }
        if marker == nil, decoding == nil, let book { decode(book) }
        if marker == nil, decoding == nil { read(as: format) }
        masks.mask(&self)
    }

    /// Key and value for what they look like, or for what was chosen. What does not go as chosen stays as it is, with the reason.
    mutating func read(as format: PayloadFormat) {
        var notes: [String] = []
        func read(_ payload: Bytes?, _ name: String) -> Bytes? {
            guard let payload, !payload.isEmpty else { return nil }
            let look: PayloadLook
            switch format {
            case .none: return nil
            case .automatic:
                guard let found = PayloadLook.guess(payload) else { return nil }
                notes.append("\(name) looks like \(found.look.rawValue)")
                return found.json
            case .messagePack: look = .messagePack
            case .cbor: look = .cbor
            }
            do throws(SchemaFailure) {
                let json = try look.json(payload)
                notes.append("\(name) as \(look.rawValue)")
                return json
            } catch {
                // Keys are text as often as not, whatever the values are.
                if name == "the value" { notes.append("\(name) is no \(look.rawValue): \(error.message)") }
                return nil
            }
        }
        decodedKey = format == .automatic || key?.string == nil ? read(key, "the key") : nil
        decodedValue = read(value, "the value")
        guard !notes.isEmpty else { return }
        (decoding, isRead) = (notes.joined(separator: "; "), true)
    }

    /// Its schema is on its way from the registry.
    static let isPending = "its schema is being fetched"

    private mutating func decode(_ book: SchemaBook) {
        func header(_ name: String) -> Bytes? { headers.last { $0.name == name }?.value }
        var notes: [String] = []
        if let named = SchemaBook.named(key, header: header("__key_schema_id")) {
            switch book.read(named) {
            case .pending: notes.append(TailMessage.isPending)
            case .failed(let reason): notes.append("the key: " + reason)
            case .json(let json, let schema):
                decodedKey = json
                notes.append("the key by " + schema)
            }
        }
        if let named = SchemaBook.named(value, header: header("__value_schema_id")) {
            switch book.read(named) {
            case .pending: notes = [TailMessage.isPending]
            case .failed(let reason): notes.append("the value: " + reason)
            case .json(let json, let schema):
                decodedValue = json
                notes.append("the value by " + schema)
            }
        }
        if !notes.isEmpty { decoding = notes.joined(separator: "; ") }
    }

    var isPending: Bool { decoding == TailMessage.isPending }

    /// What the cluster writes for itself, in words.
    private mutating func decodeInternal() {
        guard let key, let text = RecordText.pair(topic: partition.topic, key: key, value: value) else { return }
        decodedKey = Bytes(text.key)
        decodedValue = text.value.map { Bytes($0) }
        decoding = "a record of \(partition.topic)"
    }
}

/// Makes of a jq program what a tail's filter can run.
func compileTailProgram(_ text: String) -> Result<MessageProgram, ConsoleFailure> {
    do throws(JQProgram.Failure) {
        let program = try JQProgram(text)
        return .success(MessageProgram(text) { tailOutcome(program.run($0.jqInput)) })
    } catch {
        return .failure(ConsoleFailure("jq: \(error.message)"))
    }
}

extension TailMessage {
    var jqInput: JQProgram.Input {
        JQProgram.Input(
            topic: partition.topic, partition: partition.partition, offset: offset.rawValue, timestamp: timestamp.milliseconds,
            key: shownKey, value: shownValue, headers: headers.map { ($0.name, $0.value) })
    }
}

/// `true` shows a message as it is; `false`, `null` and nothing hide it; anything else is shown in the value's stead.
func tailOutcome(_ result: Result<[JQProgram.Output], JQProgram.Failure>) -> MessageProgram.Outcome {
    switch result {
    case .failure(let failure): return .failed(failure.message)
    case .success(let outputs):
        let shown = outputs.filter { $0 != .null && $0 != .bool(false) }
        guard let first = shown.first else { return .hidden }
        if shown.count == 1, first == .bool(true) { return .asItIs }
        return .instead(Bytes(shown.map(\.text).joined(separator: " ")))
    }
}

extension JQProgram.Output {
    /// As `jq -r` prints it.
    var text: String {
        switch self {
        case .null: "null"
        case .bool(let value): value ? "true" : "false"
        case .string(let text): text
        case .json(let text): text
        }
    }
}
