import Primitives

/// What is on the screen, and so worth asking the cluster for. The console says it with each change of view; the `Observer` plans the
/// fewest requests for it.
package struct Interest: Equatable, Sendable {
    package enum Screen: Equatable, Sendable {
        /// Brokers, health, throughput, top lag, events.
        case overview
        /// Brokers with their disks and the quorum.
        case brokers
        case topics
        /// All partitions of the cluster: leaders, replicas, in-sync sets.
        case partitions
        /// Partitions on their way, with sizes and throttles.
        case reassignments
        /// The metadata quorum alone.
        case quorum
        /// One topic's partitions.
        case topic(String)
        case groups
        /// One group's members and lags.
        case group(String)
        case events
        case configs(ConfigResource)
        /// Transactional ids, those under way described.
        case transactions
        /// One transactional id, its partitions with high watermark and last stable offset.
        case transaction(String)
        /// Transactions that partitions hold open, and whether anybody will end them.
        case hanging
        /// Access rules.
        case access
        case quotas
        /// Users who log in by SCRAM.
        case users
        /// Features of the cluster, and which APIs each broker serves.
        case versions
        /// Who uses the cluster, as far as groups, transactions and producers tell.
        case clients
        /// The tail reads for itself; only the topic's partitions are wanted.
        case tail(String)
        /// Nothing on screen (a dialog over nothing, a detached terminal): no requests at all.
        case nothing
    }
    package var screen: Screen
    /// The rows now visible on `topics` and `groups`: their details are read first, the others' not at all while there are many.
    package var visibleTopics: [String]
    package var visibleGroups: [String]
    /// Not on the screen, and read all the same every few rounds: somebody wants to be alerted of what it shows.
    package var also: [Screen] = []
    /// What each replica takes on its broker's disk is shown, of all partitions.
    package var wantsReplicaSizes = false
    /// Read once and printed: nothing is asked for the timeline's sake, or for what comes later.
    package var isOnce = false

    package init(_ screen: Screen, visibleTopics: [String] = [], visibleGroups: [String] = []) {
        self.screen = screen
        self.visibleTopics = visibleTopics
        self.visibleGroups = visibleGroups
    }

    /// Topics with their offsets and sizes, read once.
    package static var topicsOnce: Interest {
        var interest = Interest(.topics)
        interest.isOnce = true
        return interest
    }
}
