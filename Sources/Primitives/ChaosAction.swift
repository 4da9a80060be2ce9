/// What a person may do to a broker of a cluster inside this process, to see what the cluster makes of it.
public enum ChaosAction: Equatable, Sendable, CustomStringConvertible {
    /// Stops at once, as by `kill -9`: no farewell to anybody, nothing flushed that was not.
    case kill
    /// Starts a broker that does not run; one that runs is stopped cleanly first, with controlled shutdown.
    case restart
    /// Holds still, as by SIGSTOP: its connections stay open, nothing is answered.
    case pause
    case resume
    /// No packet passes between it and these brokers, in either direction; clients still reach it.
    case cut(from: [BrokerID])
    /// Every write and every sync of its disk takes so many milliseconds longer.
    case slowDisk(milliseconds: Int64)
    /// Every write fails for lack of space.
    case fullDisk
    /// Ends cuts, a slow and a full disk. A killed broker stays down, a paused one paused.
    case heal

    /// As the timeline tells it: "killed", "cut off from 1, 3".
    public var description: String {
        switch self {
        case .kill: "killed"
        case .restart: "restarted"
        case .pause: "paused"
        case .resume: "resumed"
        case .cut(let peers): "cut off from " + peers.map(\.description).joined(separator: ", ")
        case .slowDisk(let milliseconds): "disk slowed by \(milliseconds) ms"
        case .fullDisk: "disk full"
        case .heal: "healed"
        }
    }
}

/// What is done to a broker at the moment.
public struct ChaosCondition: Equatable, Sendable {
    public var isRunning = true
    public var isPaused = false
    /// Ascending; empty where nothing is cut.
    public var cutFrom: [BrokerID] = []
    /// Zero where the disk is as fast as it is.
    public var diskDelayMs: Int64 = 0
    public var isDiskFull = false

    public init() {}

    /// Nothing is done to it.
    public var isWell: Bool { self == ChaosCondition() }
}
