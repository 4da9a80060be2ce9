import Primitives

/// How a tail takes payloads that no schema is named for.
package enum PayloadFormat: String, CaseIterable, Sendable {
    /// By what they look like: text, or one of the others.
    case automatic = "auto"
    case messagePack = "msgpack"
    case cbor
    /// As their bytes are.
    case none

    /// The next in turn, for a key.
    var next: PayloadFormat {
        let all = PayloadFormat.allCases
        return all[((all.firstIndex(of: self) ?? 0) + 1) % all.count]
    }
}

/// Takes key and value of a message for a format; the console gets it ready made.
package typealias PayloadReading = @Sendable (inout TailMessage, PayloadFormat) -> Void

extension TailMessage {
    /// Nothing said what it is: neither a schema nor the topic that it is in.
    var isOpenToReading: Bool { marker == nil && (isRead || (decodedKey == nil && decodedValue == nil)) }
}

extension TailState {
    /// Takes all that is held for another format.
    mutating func take(as format: PayloadFormat, _ read: PayloadReading) {
        self.format = format
        rewrite { message in
            guard message.isOpenToReading else { return }
            if message.isRead { (message.decodedKey, message.decodedValue, message.decoding, message.isRead) = (nil, nil, nil, false) }
            read(&message, format)
        }
        setFilter(filter)
    }
}

extension Console {
    /// The next format in turn, for what is held and what is still to come.
    mutating func changeFormat() {
        guard let tail = view.tail else { return }
        let format = tail.format.next
        if let read = tools.read { view.tail?.take(as: format, read) }
        request(.readTail(session: tail.query.session, format))
        say(.info, "Values are taken \(format.sentence).")
    }
}

extension PayloadFormat {
    fileprivate var sentence: String {
        switch self {
        case .automatic: "for what they look like"
        case .messagePack: "for MessagePack"
        case .cbor: "for CBOR"
        case .none: "as their bytes are"
        }
    }
}
