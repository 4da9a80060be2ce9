import Controller
import Primitives
import Quorum
import Records
import Storage
import Wire

/// Starting and stopping. Both wait for the disk, here and nowhere else on the broker's thread.
extension Broker {
    /// Opens the data directory and the metadata log. The only voter of a quorum wins its election, registers its broker and recovers the
    /// logs of its partitions here and now; where there are others, all that follows from events. The listeners' ports are known by now
    /// (`BrokerConfig.bind`).
    package mutating func start(now: Now) throws(BrokerStartError) -> [BrokerEffect] {
        self.now = now
        isStarting = true
        let directory = try openDirectory()
        self.directory = directory
        image = ClusterImage(clusterID: directory.meta.clusterID)
        try openMetadataLog(directory)
        controller = Controller(image: image)
        runQuorum(.started)
        if config.isBroker { beginBrokerLife() }
        if isOnlyVoter {
            // With one voter the broker registers with itself here and now.
            settle()
            guard startError != nil || (isActiveController && (brokerEpoch >= 0 || !config.isBroker)) else {
                throw .unreadable("the metadata log could not be opened for writing")
            }
        }
        if let startError { throw startError }
        metadata?.waitsForDisk = false
        if isOnlyVoter { finishStart() }
        settle()
        defer { effects = [] }
        return effects
    }

    private var isOnlyVoter: Bool { config.voterIDs == [brokerID] }

    /// Among others: once the image shows this start of the broker, its partitions are what it now says. Before, it might take up
    /// leaderships of an earlier life, of which others have the records.
    mutating func finishStartIfDue() {
        guard isStarting, metadata?.waitsForDisk == false else { return }
        if config.isBroker {
            guard brokerEpoch >= 0, image.brokers[brokerID]?.brokerEpoch == brokerEpoch else { return }
        } else if metadata?.quorum.leaderID == nil {
            return
        }
        finishStart()
    }

    private mutating func finishStart() {
        let delta = metadata?.startDelta ?? ClusterImageDelta()
        metadata?.startDelta = ClusterImageDelta()
        metadata?.isForeseen = false
        if config.isBroker { applied(delta) }
        isStarting = false
        snapshotSoonIfGrown()
        if config.isBroker { clearStrays() }
        guard !config.isBroker else { return }
        effects.append(.ready)
    }

    /// Writes checkpoints, producer snapshots and the clean-shutdown marker. The broker is not used after it.
    package mutating func stop(now: Now) -> [BrokerEffect] {
        self.now = now
        do throws(LogError) {
            try directory?.close(highWatermarks: watermarks, brokerEpoch: brokerEpoch)
        } catch {
            note("the stop is not clean: \(error.message)")
        }
        defer { effects = [] }
        return effects
    }

    private mutating func openDirectory() throws(BrokerStartError) -> LogDirectory {
        let path = config.logDirectories[0]
        let clusterID = UUID.random(&random).text
        do throws(LogDirectoryError) {
            return try LogDirectory.open(
                path, disk: disk, nodeID: brokerID, clusterID: clusterID, directoryID: UUID.random(&random), codecs: codecs,
                defaults: LogConfig(TopicConfig(overrides: OrderedMap(), broker: config), broker: config))
        } catch {
            switch error {
            case .unreadable(let text): throw .unreadable(text)
            case .foreign(let text): throw .foreign(text)
            case .damaged(let text): throw .damaged(text)
            }
        }
    }

    private mutating func openMetadataLog(_ directory: LogDirectory) throws(BrokerStartError) {
        let log: PartitionLog
        let state: QuorumState
        do {
            log = try directory.makeLog(
                MetadataLog.partition, topicID: .metadataTopic, config: MetadataLog.logConfig(config), now: now)
            log.config = MetadataLog.logConfig(config)
            let path = MetadataLog.statePath(log)
            let text = disk.exists(path) ? try disk.readAll(path).lossyString : nil
            guard let found = text.map({ QuorumState(text: $0) }) ?? QuorumState() else {
                throw BrokerStartError.damaged("\(path) is not a quorum state")
            }
            state = found
        } catch let error as BrokerStartError {
            throw error
        } catch {
            throw .unreadable("cannot open the metadata log: \((error as? LogError)?.message ?? "\(error)")")
        }
        let snapshots = try loadSnapshots(log)
        let startEpoch = snapshots.first { $0.endOffset == log.logStartOffset }?.epoch ?? 0
        let quorum = QuorumMachine(
            config: QuorumConfig(
                nodeID: brokerID, voters: config.voterIDs, electionTimeoutMs: config.quorumElectionTimeoutMs,
                fetchTimeoutMs: config.quorumFetchTimeoutMs,
                electionBackoffMaxMs: config.integer("controller.quorum.election.backoff.max.ms"),
                retryBackoffMs: config.integer("controller.quorum.retry.backoff.ms"), mutations: mutations),
            state: state, log: QuorumLog(log, startEpoch: startEpoch), snapshot: snapshots.last,
            random: PRNG(seed: random.next()))
        metadata = MetadataLog(log: log, quorum: quorum)
        metadata?.snapshots.held = snapshots
        try restoreNewestSnapshot()
        try metadata?.load(codecs)
    }
}
