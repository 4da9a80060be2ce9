import Primitives

/// A message as read. Its bytes are hostile until escaped.
package struct TailMessage: Equatable, Sendable {
    package struct Header: Equatable, Sendable {
        package var name: String
        package var value: Bytes?
        package init(_ name: String, _ value: Bytes?) {
            self.name = name
            self.value = value
        }
    }
    /// What a control record says: how a transaction ended, or something of the log's own.
    package enum Marker: Equatable, Sendable {
        case commit
        case abort
        case other
    }
    package var partition: TopicPartition
    package var offset: Offset
    package var timestamp: Timestamp
    package var key: Bytes?
    /// Nil is a tombstone.
    package var value: Bytes?
    package var headers: [Header]
    /// -1 where the producer has none.
    package var producerID: Int64 = -1
    package var isTransactional = false
    package var marker: Marker?
    /// Key and value as text, where their bytes mean something else than themselves; shown, searched and filtered in their stead.
    package var decodedKey: Bytes?
    package var decodedValue: Bytes?
    /// How they were decoded, or why that was not possible.
    package var decoding: String?
    /// They were taken for a format by their look or by what was chosen; nothing with the message says so.
    package var isRead = false
    /// What of it is masked, and by which rules; nil: nothing is. What is masked is not here in any other form.
    package var masking: String?

    package init(
        partition: TopicPartition, offset: Offset, timestamp: Timestamp, key: Bytes? = nil, value: Bytes?, headers: [Header] = []
    ) {
        self.partition = partition
        self.offset = offset
        self.timestamp = timestamp
        self.key = key
        self.value = value
        self.headers = headers
    }

    package var shownKey: Bytes? { decodedKey ?? key }
    package var shownValue: Bytes? { decodedValue ?? value }
}

/// What a tail cannot do by itself, lent by the shell.
package struct TailTools: Sendable {
    /// Makes a program of what stands behind a filter's ` | `.
    package var compile: MessageProgram.Compiler?
    /// Takes what is held for another format.
    package var read: PayloadReading?
    package init(compile: MessageProgram.Compiler? = nil, read: PayloadReading? = nil) { (self.compile, self.read) = (compile, read) }
}

/// A program that looks at a message and says whether to show it, and as what. The console gets it ready made: what makes one of a text
/// (jq) is not its business.
package struct MessageProgram: Equatable, Sendable {
    package enum Outcome: Equatable, Sendable {
        case hidden
        case asItIs
        /// In the value's stead.
        case instead(Bytes)
        /// The program does not go with this message; why.
        case failed(String)
    }
    package typealias Compiler = @Sendable (String) -> Result<MessageProgram, ConsoleFailure>

    package var text: String
    package var run: @Sendable (TailMessage) -> Outcome

    package init(_ text: String, run: @escaping @Sendable (TailMessage) -> Outcome) {
        self.text = text
        self.run = run
    }

    package static func == (a: MessageProgram, b: MessageProgram) -> Bool { a.text == b.text }
}
