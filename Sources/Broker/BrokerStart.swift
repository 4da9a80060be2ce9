import Controller
import Primitives
import Quorum
import Records
import Storage
import Wire

/// Starting and stopping. Both wait for the disk, here and nowhere else on the broker's thread.
extension Broker {
    /// Opens the data directory, replays the metadata log, wins the election among one voter, registers this broker, recovers the logs of
    /// its partitions. The listeners' ports are known by now (`BrokerConfig.bind`).
    package mutating func start(now: Now) throws(BrokerStartError) -> [BrokerEffect] {
        self.now = now
        isStarting = true
        let directory = try openDirectory()
        self.directory = directory
        image = ClusterImage(clusterID: directory.meta.clusterID)
        controller = Controller(image: image)
        try openMetadataLog(directory)
        runQuorum(.started)
        if image.features.isEmpty { commitMetadata(Controller.bootstrapRecords()) { _, _ in } }
        if isActiveController { becameActiveController() }
        beginBrokerLife()
        // With one voter the broker registers with itself here and now.
        settle()
        if let startError { throw startError }
        guard isActiveController, brokerEpoch >= 0 else { throw .unreadable("the metadata log could not be opened for writing") }
        applied(metadata?.startDelta ?? ClusterImageDelta())
        isStarting = false
        metadata?.isStarting = false
        metadata?.startDelta = ClusterImageDelta()
        clearStrays(directory)
        removedTopics = OrderedMap()
        settle()
        defer { effects = [] }
        return effects
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
        let end = LogEnd(lastEpoch: log.latestLeaderEpoch ?? 0, offset: log.logEndOffset)
        let quorum = QuorumMachine(
            config: QuorumConfig(
                nodeID: brokerID, voters: config.voterIDs, electionTimeoutMs: config.quorumElectionTimeoutMs,
                fetchTimeoutMs: config.quorumFetchTimeoutMs),
            state: state, log: end, random: PRNG(seed: random.next()))
        metadata = MetadataLog(log: log, quorum: quorum)
        try replayMetadata(log)
    }

    /// What the log holds counts as proposed: it is applied when the new leader's first record is committed, and all before it with it.
    private mutating func replayMetadata(_ log: PartitionLog) throws(BrokerStartError) {
        var found: [(offset: Offset, record: MetadataRecord)] = []
        try MetadataLog.replay(log, codecs) { offset, record in found.append((offset, record)) }
        for (offset, record) in found {
            controller.apply(record, at: offset)
            if case .removeTopic(let removed) = record { removedTopics[removed.topicID] = true }
            metadata?.proposals.append(MetadataLog.Proposal(baseOffset: offset, records: [record], done: { _, _ in }))
        }
    }

    /// Directories of partitions the metadata does not know: those of topics it says were deleted go, others are left alone, and named.
    private mutating func clearStrays(_ directory: LogDirectory) {
        for partition in directory.partitions where partition.topic != TopicNames.metadata {
            guard replicas.find(partition.topic, partition.partition) == nil else { continue }
            if let id = (try? directory.log(partition, config: logConfig(partition.topic), now: now))?.topicID, removedTopics[id] != nil {
                try? directory.delete(partition, now: now)
                continue
            }
            note("the directory of \(partition) belongs to no partition of this cluster; it is left as it is")
        }
    }
}
