import Primitives

/// All that one broker fetches from one leader: the partitions, when each may be asked for again, and the session. At most one request is
/// under way. Owner: the broker's thread.
///
/// A partition is wanted from `add` to `remove`. It is left out of requests while it is delayed: the leader did not know it, or refused.
/// One that waits for this broker's own disk holds up the next request.
package struct ReplicaFetcher: Sendable {
    package struct Entry: Equatable, Sendable {
        package var leaderEpoch: LeaderEpoch
        /// Not before this.
        package var notBefore = Instant.zero
        /// Failures without a success between.
        package var failures = 0
        /// The last answer had everything the leader had.
        package var isCaughtUp = false
    }

    /// What the next request carries.
    package struct Request: Sendable {
        package var session: FetcherSession.Request
        /// The leader may hold it no longer than until a delayed partition is due.
        package var maxWaitMs: Int64
    }

    package let leader: BrokerID
    package private(set) var entries = OrderedMap<FetchKey, Entry>()
    package var session = FetcherSession()
    /// Of the request under way, so that an answer to one that was given up is told apart; 0: none is under way.
    package private(set) var underWay: UInt64 = 0
    private var lastNumber: UInt64 = 0
    /// Whose position may have changed since the last request, or is to be taken out.
    private var changed = OrderedMap<FetchKey, Bool>()
    /// Those with a `notBefore` that has not been looked at since it passed.
    private var delayed = OrderedMap<FetchKey, Bool>()
    /// Those that wait for this broker's disk: the leader may take a fetch from an offset for the word that everything below is durable.
    package private(set) var awaitingDisk = OrderedMap<FetchKey, Bool>()
    /// Failures of the connection without an answer between, and when to try again.
    private var failures = 0
    package private(set) var notBefore = Instant.zero

    /// The first pause after a failure; it doubles with each further one.
    package static let backoffMsMin: Int64 = 5

    package init(leader: BrokerID) { self.leader = leader }

    package var isEmpty: Bool { entries.isEmpty }
    package var isUnderWay: Bool { underWay != 0 }

    // MARK: Partitions

    /// Returns whether it is new here, or its epoch is.
    package mutating func add(_ key: FetchKey, leaderEpoch: LeaderEpoch) -> Bool {
        if entries[key]?.leaderEpoch == leaderEpoch { return false }
        entries[key] = Entry(leaderEpoch: leaderEpoch)
        delayed.remove(key)
        awaitingDisk.remove(key)
        changed[key] = true
        return true
    }

    package mutating func remove(_ key: FetchKey) {
        guard entries.remove(key) != nil else { return }
        delayed.remove(key)
        awaitingDisk.remove(key)
        changed[key] = true
    }

    /// It answered well: its position may have moved.
    package mutating func advanced(_ key: FetchKey, isCaughtUp: Bool) {
        entries.update(key) {
            $0.failures = 0
            $0.isCaughtUp = isCaughtUp
        }
        changed[key] = true
    }

    /// It did not: not before a pause that grows up to `backoffMsMax`.
    package mutating func delay(_ key: FetchKey, backoffMsMax: Int64, now: Instant) {
        guard let failures = entries[key]?.failures else { return }
        postpone(key, until: now.adding(milliseconds: ReplicaFetcher.backoff(failures, backoffMsMax)))
        entries.update(key) { $0.failures += 1 }
    }

    /// Not before `instant`, without anything being wrong (a throttle).
    package mutating func postpone(_ key: FetchKey, until instant: Instant) {
        entries.update(key) { $0.notBefore = instant }
        delayed[key] = true
        changed[key] = true
    }

    private static func backoff(_ failures: Int, _ most: Int64) -> Int64 {
        max(1, min(most, backoffMsMin << Int64(min(failures, 20))))
    }

    package mutating func awaitDisk(_ key: FetchKey) { if entries[key] != nil { awaitingDisk[key] = true } }
    package mutating func diskDone(_ key: FetchKey) { awaitingDisk.remove(key) }

    // MARK: Requests

    /// When there may be a request that there is not now.
    package var nextDeadline: Instant {
        guard !isUnderWay, awaitingDisk.isEmpty, !entries.isEmpty else { return .distantFuture }
        if entries.count > delayed.count { return notBefore }
        return max(notBefore, nextDelayed)
    }

    private var nextDelayed: Instant {
        var least = Instant.distantFuture
        for key in delayed.keys { least = min(least, entries[key]?.notBefore ?? .distantFuture) }
        return least
    }

    /// The next request; nil while one is under way, or there is nothing to ask for. `position` tells where a partition stands.
    package mutating func next(
        now: Instant, waitMaxMs: Int64, position: (FetchKey, LeaderEpoch) -> FetchPosition?
    ) -> (number: UInt64, request: Request)? {
        guard !isUnderWay, awaitingDisk.isEmpty, notBefore <= now else { return nil }
        for key in delayed.keys where (entries[key]?.notBefore ?? .zero) <= now {
            delayed.remove(key)
            changed[key] = true
        }
        guard entries.count > delayed.count else { return nil }
        var gone: [FetchKey] = []
        func wanted(_ key: FetchKey) -> FetchPosition? {
            guard let entry = entries[key], delayed[key] == nil else { return nil }
            guard let position = position(key, entry.leaderEpoch) else {
                gone.append(key)
                return nil
            }
            return position
        }
        var plan: [(key: FetchKey, position: FetchPosition?)] = []
        for key in session.isFull ? entries.keys : changed.keys { plan.append((key, wanted(key))) }
        // A partition that has no position now is looked at again later; its owner will have taken it out by then.
        for key in gone { postpone(key, until: now.adding(milliseconds: 1000)) }
        guard entries.count > delayed.count else { return nil }
        let request =
            session.isFull
            ? session.full(plan.compactMap { pair in pair.position.map { (pair.key, $0) } }) : session.incremental(plan)
        changed = OrderedMap()
        lastNumber += 1
        underWay = lastNumber
        let wait = min(waitMaxMs, max(1, nextDelayed == .distantFuture ? waitMaxMs : nextDelayed.milliseconds(since: now) + 1))
        return (underWay, Request(session: request, maxWaitMs: wait))
    }

    /// The request of this number is over. False for one that was given up before.
    package mutating func finished(_ number: UInt64) -> Bool {
        guard number == underWay, number != 0 else { return false }
        underWay = 0
        return true
    }

    package mutating func answered() { failures = 0 }

    /// No answer: the next try after a pause.
    package mutating func failed(backoffMsMax: Int64, now: Instant) {
        session.lost()
        notBefore = now.adding(milliseconds: ReplicaFetcher.backoff(failures, backoffMsMax))
        failures += 1
    }

    /// The request under way is given up, because the leader may hold it for long and there is something more urgent to ask.
    package mutating func abandon() {
        underWay = 0
        session.lost()
    }
}
