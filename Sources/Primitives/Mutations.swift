/// Deliberate defects of the engine, for the simulator's own test: it turns them on one by one and must catch each. Empty in everything
/// that ships. Each is looked at in exactly one place, the one whose rule it breaks.
public struct Mutations: OptionSet, Sendable {
    public let rawValue: UInt32
    public init(rawValue: UInt32) { self.rawValue = rawValue }

    /// A leader answers an acks=all produce as soon as its own log has it.
    public static let acknowledgeBeforeISR = Mutations(rawValue: 1 << 0)
    /// The high watermark follows the leader's own log end.
    public static let highWatermarkFromLeaderAlone = Mutations(rawValue: 1 << 1)
    /// A voter forgets within an epoch whom it voted for.
    public static let voteTwice = Mutations(rawValue: 1 << 2)
    /// A follower keeps what diverges from its new leader's log.
    public static let skipTruncation = Mutations(rawValue: 1 << 3)
    /// A vote leaves the node before it is durable.
    public static let forgetVoteSync = Mutations(rawValue: 1 << 4)
    /// A deposed leader acknowledges what it had appended in its epoch, though its successor may not have it.
    public static let keepFencedAppend = Mutations(rawValue: 1 << 5)
    /// The quorum's leader commits entries of earlier epochs by counting replicas (Raft §5.4.2).
    public static let commitOldEpochByCount = Mutations(rawValue: 1 << 6)
    /// A new leader does not know which batches its idempotent producers have sent.
    public static let dropProducerState = Mutations(rawValue: 1 << 7)
    /// Consumers are given records that are not committed.
    public static let serveBeyondHighWatermark = Mutations(rawValue: 1 << 8)
    /// A follower joins the in-sync replicas before it has what is committed.
    public static let expandISREarly = Mutations(rawValue: 1 << 9)
    /// The leader counts a follower's fetch before it has looked whether their logs agree.
    public static let acknowledgeDivergedFetch = Mutations(rawValue: 1 << 10)
    /// The end of a transaction is answered before its outcome is written down.
    public static let answerEndBeforePrepare = Mutations(rawValue: 1 << 16)
    /// A marker that a partition did not take is not sent again.
    public static let forgetMarkers = Mutations(rawValue: 1 << 17)
    /// Consumers of committed records only are given those of transactions that are still open.
    public static let ignoreLastStableOffset = Mutations(rawValue: 1 << 18)
    /// A follower takes what it fetched without a look at the checksums.
    public static let trustFetchedBatches = Mutations(rawValue: 1 << 11)
    /// A member of a KIP-848 group is given partitions that another has not given back.
    public static let assignWhatOthersHold = Mutations(rawValue: 1 << 12)

    /// All of them, by the names that `simulate --mutation` takes.
    public static let all: [(name: String, mutation: Mutations)] = [
        ("acknowledgeBeforeISR", .acknowledgeBeforeISR),
        ("highWatermarkFromLeaderAlone", .highWatermarkFromLeaderAlone),
        ("voteTwice", .voteTwice),
        ("skipTruncation", .skipTruncation),
        ("forgetVoteSync", .forgetVoteSync),
        ("keepFencedAppend", .keepFencedAppend),
        ("commitOldEpochByCount", .commitOldEpochByCount),
        ("dropProducerState", .dropProducerState),
        ("serveBeyondHighWatermark", .serveBeyondHighWatermark),
        ("expandISREarly", .expandISREarly),
        ("acknowledgeDivergedFetch", .acknowledgeDivergedFetch),
        ("trustFetchedBatches", .trustFetchedBatches),
        ("assignWhatOthersHold", .assignWhatOthersHold),
    ]

    public static func named(_ name: String) -> Mutations? { all.first { $0.name == name }?.mutation }
}
