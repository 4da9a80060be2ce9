import Controller
import Primitives
import Records
import Replication
import Storage
import Wire

/// One broker: every request, every partition it holds, its part in the metadata quorum. Pure: clocks, randomness, disk and codecs are
/// handed in; what it wants done comes out as effects.
///
/// Owner: one thread. Each call of `handle` runs to its end; nothing suspends inside. A request is answered at once, or parked (fetches
/// and produces in `parked`, group requests in the coordinator, metadata changes in the metadata log) and answered by a later event.
///
/// It is some two kilobytes, and where a function that does not change it is called from one that does, the compiler mostly makes it a
/// copy first. So what every record passes is `mutating`, changing anything or not, or static where it needs nothing of the broker; and
/// what most records do not touch is in classes. (So a copy of it is not a second broker.)
package struct Broker {
    package internal(set) var config: BrokerConfig
    package let brokerID: BrokerID
    /// What it calls itself to other nodes.
    let clientID: String
    package let disk: any Disk
    package let codecs: Codecs
    package let hashing: Hashing
    /// Deliberate defects; empty but in the simulator's own test.
    package let mutations: Mutations
    /// Every random choice: ids, jitter.
    package var random: PRNG
    /// The time of the event being handled.
    package internal(set) var now: Now

    /// All that the metadata log says, as far as it is committed.
    package internal(set) var image: ClusterImage

    /// Decides about metadata, on what was decided before, committed or not.
    package internal(set) var controller: Controller
    /// Nil before `start`.
    var metadata: MetadataLog?
    /// Nil before `start`.
    package internal(set) var directory: LogDirectory?
    /// Given with this start's registration; -1 before it.
    package internal(set) var brokerEpoch: Int64 = -1
    var isStarting = false
    /// What the metadata log told of the past while the broker started.
    var history = MetadataHistory()
    var startError: BrokerStartError?
    var timers = BrokerTimers()
    /// Logs that grow fast.
    var growing: [PartitionLog] = []
    var isWritingBack = false
    /// Partitions of this broker whose logs could not be made, for want of a working disk.
    var missing: [TopicIDPartition] = []
    /// The rest of the block of producer ids this broker gives out.
    var producerIDs = ProducerIDBlock()

    var replicas = ReplicaTable()
    var parked = ParkedRequests()
    /// The host tells `turnEnded`: followers are told of new records then, once of all that a turn has appended.
    package var gathersAppends = false
    /// Followers' fetches that wait for the end of the turn.
    var woken: [UInt64] = []
    /// Stored: to ask a getter of a broker that is somebody's property, the whole broker would be copied.
    package internal(set) var hasWoken = false
    var syncs = SyncQueue()
    var cleaning = CleaningState()
    var peers = PeerTable()
    var channel = ControllerChannel()
    var life = BrokerLife()
    var duties = ControllerDuties()
    var replication = ReplicationState()
    /// Internal appends that are decided and whose owners have not been told yet.
    var completions: [(InternalAppendOwner, ErrorCode)] = []

    /// Who decides what is allowed; nil: all is.
    let authorizer: Authorizer?
    var pipelines = ProducePipelines()
    var clients = ClientNotes()
    var quotas = QuotaState()
    /// Grows with every change of the quotas in `image`.
    package internal(set) var quotasVersion = 0
    /// Counts changes of brokers' settings while it runs.
    package internal(set) var settingsVersion = 0
    var admin = AdminState()
    var authentication: AuthenticationTable
    var awaited = AwaitedTopics()
    var groups = GroupRuntime()
    var transactions = TransactionRuntime()
    var shares = ShareCoordinatorRuntime()
    var leading = ShareLeading()
    var shareAsks = ShareStateAsks()
    /// What this call of `handle` wants done.
    var effects: [BrokerEffect] = []

    package init(
        config: BrokerConfig, disk: any Disk, codecs: Codecs, hashing: Hashing = .none, seed: UInt64, now: Now, mutations: Mutations = []
    ) {
        self.config = config
        self.mutations = mutations
        self.disk = disk
        self.codecs = codecs
        self.hashing = hashing
        authentication = AuthenticationTable(config)
        self.now = now
        image = ClusterImage(clusterID: "")
        controller = Controller(image: image)
        brokerID = config.nodeID
        clientID = "broker-\(config.nodeID)"
        authorizer = Authorizer(config)
        replication.sessions = FetchSessions(slots: config.fetchSessionSlots)
        random = PRNG(seed: seed)
    }

    package mutating func handle(_ event: BrokerEvent, now: Now) -> [BrokerEffect] {
        self.now = now
        switch event {
        case .requestReceived(var context):
            context.receipt = pipelines.received(context.connection)
            dispatch(context)
        case .connectionClosed(let connection): forgetConnection(connection)
        case .synced(let token, let error): synced(token, error)
        case .cleaned(let token, let outcome): cleaned(token, outcome)
        case .wroteBack: isWritingBack = false
        case .answered(let id, let result): answered(id, result)
        case .stopRequested: beginControlledShutdown()
        case .ticked: tick()
        case .turnEnded: wakeFollowers()
        }
        settle()
        runReplication()
        settle()
        defer { effects = [] }
        return effects
    }

    /// Tells owners of what happened while the event was handled, and what the controller waits for to the controller, until nothing is
    /// left to tell.
    mutating func settle() {
        if !transactions.uncommitted.isEmpty { finishCommittedLoads() }
        runCompletions()
        tellController()
        while peers.hasLoopback {
            runLoopback()
            runCompletions()
            tellController()
        }
    }

    private mutating func tellController() {
        finishStartIfDue()
        noticeController()
        noticeOwnState()
        noticeTopics()
        runBrokerLife()
    }

    mutating func forgetConnection(_ connection: ConnectionID) {
        parked.forget(connection)
        pipelines.forget(connection)
        clients.forget(connection)
        authentication.connections[connection] = nil
        metadata?.asked.forget(connection)
        groupsConnectionClosed(connection)
        transactionsConnectionClosed(connection)
        sharesConnectionClosed(connection)
        channel.forget(connection)
        heartbeatConnectionClosed(connection)
    }

    /// When the broker next wants `ticked`, if nothing happens before.
    package var nextDeadline: Instant {
        mutating get {
            let due = min(parked.nextDeadline, min(timers.next, cleaning.nextAt), directory?.nextDeletion ?? .distantFuture)
            let asked = min(peers.nextDeadline, channel.nextDeadline, min(life.nextAt, life.patienceEnds), replicationDeadline)
            let shares = min(shareCoordinatorDeadline, shareLeadingDeadline, shareAsks.nextDeadline)
            let coordinators = min(groupsDeadline, transactionsDeadline, shares)
            return min(due, adminDeadline, coordinators, quorumDeadline, min(asked, duties.nextDeadline, awaited.nextDeadline))
        }
    }

    private mutating func tick() {
        expireParked()
        expirePeerRequests()
        if quorumDeadline <= now.instant { quorumTick() }
        runControllerChannel()
        if duties.nextDeadline <= now.instant { controllerTick() }
        runChores()
        if adminDeadline <= now.instant { adminTick() }
        if groupsDeadline <= now.instant { groupsTick() }
        if transactionsDeadline <= now.instant { transactionsTick() }
        if shareCoordinatorDeadline <= now.instant { shareCoordinatorTick() }
        if shareLeadingDeadline <= now.instant { shareLeadingTick() }
        if shareAsks.nextDeadline <= now.instant { shareAsksTick() }
    }
}
