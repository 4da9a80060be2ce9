import Primitives

/// What the controller has to know of a topic's settings when it decides who is in sync and who leads.
package struct TopicPolicy: Equatable, Sendable {
    /// `min.insync.replicas`.
    package var inSyncReplicasMin: Int
    /// `unclean.leader.election.enable`.
    package var allowsUncleanElection: Bool

    package init(inSyncReplicasMin: Int = 1, allowsUncleanElection: Bool = false) {
        self.inSyncReplicasMin = inSyncReplicasMin
        self.allowsUncleanElection = allowsUncleanElection
    }

    /// What a node's settings say of topics that say nothing themselves.
    package init(_ config: BrokerConfig) {
        self.init(inSyncReplicasMin: config.minInSyncReplicas, allowsUncleanElection: config.uncleanLeaderElection)
    }
}

extension Controller {
    /// The topic's own setting, else that of all brokers, else the settings file of the node that decides.
    func policy(of topic: String) -> TopicPolicy {
        var policy = topicDefaults
        for settings in [image.config(.brokerDefaults), image.topicConfig(topic)] {
            if let minimum = settings["min.insync.replicas"].flatMap({ Int($0) }) { policy.inSyncReplicasMin = minimum }
            if let unclean = settings["unclean.leader.election.enable"] { policy.allowsUncleanElection = unclean == "true" }
        }
        return policy
    }

    /// Whether replicas that leave the in-sync replicas below their least number stay eligible to lead (KIP-966).
    var keepsEligibleLeaders: Bool { (image.features[Controller.eligibleLeadersFeature] ?? 0) >= 1 }

    package static let eligibleLeadersFeature = "eligible.leader.replicas.version"
    /// With 1 the records of transactions have room for what came later, with 2 clients raise their epochs with each transaction (KIP-890).
    package static let transactionFeature = "transaction.version"

    /// A change of this partition to be worked out, with its topic's settings.
    func transition(
        _ partition: PartitionImage, of topic: String, mayLead: ((BrokerID) -> Bool)? = nil
    ) -> PartitionTransition {
        let policy = policy(of: topic)
        var transition = PartitionTransition(
            of: partition, inSyncMin: policy.inSyncReplicasMin, keepsEligible: keepsEligibleLeaders, mayLead: mayLead ?? isActive)
        if policy.allowsUncleanElection { transition.election = .unclean }
        return transition
    }
}
