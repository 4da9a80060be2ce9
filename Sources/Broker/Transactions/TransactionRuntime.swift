import Controller
import Groups
import Primitives
import Records
import Replication
import Storage
import Wire

/// The internal topic that holds the transactions.
let transactionsTopic = "__transaction_state"

/// What the handlers of transactions keep between requests.
final class TransactionRuntime {
    /// Made with the first request or partition, when the number of partitions is known.
    var coordinator: TransactionCoordinator?
    /// The requests whose token the coordinator has not answered. One per connection, because a connection has one request under way.
    private var waiting: [TransactionToken: RequestContext] = [:]
    private var tokens: [ConnectionID: TransactionToken] = [:]
    private var lastToken: UInt64 = 0
    /// Partitions whose log is being read, with the offset to go on from.
    var loading = OrderedMap<Int32, Offset>()
    /// The same of those where what comes next is rotten and has to be mended first.
    var awaitingMending = OrderedMap<Int32, Offset>()
    /// Partitions that are read to their ends, with those: what is told of them waits until all of it is committed.
    var uncommitted = OrderedMap<Int32, Offset>()
    /// Markers to be written by other leaders, and by this one.
    var markers = MarkerQueues()
    var writes = MarkerWrites()
    /// Questions to coordinators on behalf of producers.
    var questions = VerificationQueues()
    var guards = VerificationGuards()

    func wait(_ context: RequestContext) -> TransactionToken {
        lastToken += 1
        let token = TransactionToken(lastToken)
        waiting[token] = context
        tokens[context.connection] = token
        return token
    }

    /// The request of this token; nil where its connection has closed.
    func take(_ token: TransactionToken) -> RequestContext? {
        guard let context = waiting.removeValue(forKey: token) else { return nil }
        tokens[context.connection] = nil
        return context
    }

    /// The connection is gone: what was asked for on it is done all the same, and its answer has nowhere to go.
    func forget(_ connection: ConnectionID) {
        if let token = tokens.removeValue(forKey: connection) { waiting[token] = nil }
        writes.forget(connection)
    }
}

/// Runs the coordinator: requests in, effects out, appends to its topic between them.
extension Broker {
    /// The finalized level of `transaction.version`; 0 in a cluster that has none.
    var transactionLevel: Int16 { image.features[Controller.transactionFeature] ?? 0 }

    var transactionCoordinator: TransactionCoordinator {
        mutating get {
            if let made = transactions.coordinator { return made }
            let partitions = image.topic(transactionsTopic).map { Int32($0.partitions.count) } ?? config.transactionStateLogPartitions
            let made = TransactionCoordinator(config: TransactionConfig(config, mutations), partitionCount: max(1, partitions))
            transactions.coordinator = made
            return made
        }
    }

    /// One change of the coordinator in place, and what follows from it.
    mutating func coordinateTransactions(_ change: (inout TransactionCoordinator) -> [TransactionEffect]) {
        _ = transactionCoordinator
        let level = transactionLevel
        transactions.coordinator?.level = level
        guard let effects = transactions.coordinator.change(change) else { return }
        for effect in effects { run(effect) }
        sendMarkers()
    }

    /// Hands a request to the coordinator, which answers it now or later.
    mutating func coordinate(_ context: RequestContext, _ request: TransactionRequest) {
        let caller = TransactionCaller(token: transactions.wait(context), apiVersion: context.version)
        let now = now
        coordinateTransactions { $0.handle(request, from: caller, now: now) }
    }

    private mutating func run(_ effect: TransactionEffect) {
        switch effect {
        case .respond(let token, let response):
            guard let context = transactions.take(token) else { return }
            switch response {
            case .initProducerID(let message):
                if !message.errorCode.isError { noteProducer(context, producerID: message.producerID) }
                respond(context, message)
            case .addPartitions(let message): respond(context, message)
            case .addOffsets(let message): respond(context, message)
            case .end(let message): respond(context, message)
            }
        case .append(let partition, let key, let value, let token): appendTransaction(partition, key, value, token)
        case .reserveProducerID: reserveProducerID()
        case .writeMarkers(let end, let places): queueMarkers(end, places)
        case .note(let line): note(line)
        }
    }

    /// The outcome of a record is waited for however long it takes: what the coordinator decides next must not be at odds with it.
    private mutating func appendTransaction(_ partition: Int32, _ key: Bytes, _ value: Bytes?, _ token: AppendToken) {
        var batch = BatchBuilder()
        batch.append(timestamp: now.wall, key: key, value: value)
        let owner = InternalAppendOwner.transactions(token.rawValue)
        do throws(LogError) {
            let place = TopicPartition(transactionsTopic, partition)
            try appendInternal(batch.buildUncompressed(), to: place, owner: owner, until: .distantFuture)
        } catch {
            completions.append((owner, internalAppendFailure(error)))
        }
    }

    func internalAppendFailure(_ error: LogError) -> ErrorCode {
        if case .closed = error { return .notLeaderOrFollower }
        return ErrorCode(rawValue: error.kafkaCode)
    }

    /// An `appendInternal` for `.transactions(token)` is committed, or failed. A record below the high watermark stays, whoever has left
    /// the in-sync replicas since.
    mutating func transactionAppendCompleted(_ token: UInt64, _ error: ErrorCode) {
        let now = now
        let error = error == .notEnoughReplicasAfterAppend ? ErrorCode.none : error
        coordinateTransactions { $0.appendCompleted(AppendToken(token), error: error, now: now) }
    }
}

extension Optional where Wrapped == TransactionCoordinator {
    /// Changes the coordinator where it stands, without a copy.
    fileprivate mutating func change(_ change: (inout TransactionCoordinator) -> [TransactionEffect]) -> [TransactionEffect]? {
        guard self != nil else { return nil }
        return change(&self!)
    }
}

extension TransactionConfig {
    init(_ config: BrokerConfig, _ mutations: Mutations) {
        self.init()
        timeoutMsMax = config.transactionMaxTimeoutMs
        expirationMs = config.integer("transactional.id.expiration.ms")
        self.mutations = mutations
    }
}
