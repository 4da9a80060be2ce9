/// The settings of fetches between brokers, read once: every such fetch needs all of them.
package struct ReplicaFetchSettings: Sendable {
    /// Bytes of one partition, of all, and for how few the leader waits (`replica.fetch.max.bytes`, `.response.max.bytes`, `.min.bytes`).
    package private(set) var partitionMaxBytes: Int32 = 0
    package private(set) var responseMaxBytes: Int32 = 0
    package private(set) var minBytes: Int32 = 0
    /// How long the leader may wait (`replica.fetch.wait.max.ms`), and how long its answer may take (`replica.socket.timeout.ms`).
    package private(set) var waitMaxMs: Int64 = 0
    package private(set) var answerTimeoutMs: Int64 = 0
    /// The longest pause after failures (`replica.fetch.backoff.ms`).
    package private(set) var backoffMs: Int64 = 0
    /// How far a follower may stay behind and be in sync (`replica.lag.time.max.ms`).
    package private(set) var lagTimeMaxMs: Int64 = 0

    init() {}

    init(_ config: BrokerConfig) {
        partitionMaxBytes = Int32(clamping: config.int("replica.fetch.max.bytes"))
        responseMaxBytes = Int32(clamping: config.int("replica.fetch.response.max.bytes"))
        minBytes = Int32(clamping: config.int("replica.fetch.min.bytes"))
        waitMaxMs = config.integer("replica.fetch.wait.max.ms")
        answerTimeoutMs = config.integer("replica.socket.timeout.ms")
        backoffMs = config.integer("replica.fetch.backoff.ms")
        lagTimeMaxMs = config.integer("replica.lag.time.max.ms")
    }
}
