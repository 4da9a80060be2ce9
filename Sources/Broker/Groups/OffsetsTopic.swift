import Controller
import Primitives
import Wire

/// How `__consumer_offsets` comes into being.
extension Broker {
    /// As Kafka's own: compacted, in small segments, never compressed by clients' choice.
    mutating func createOffsetsTopic() {}
}
