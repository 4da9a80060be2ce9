import Controller
import Primitives
import Quorum
import Wire

/// What a node does while it is the active controller: sessions of brokers, balance of leaders. Soft state, new with each term.
struct ControllerDuties {
    var sessions = BrokerSessions(timeoutMs: 0, heartbeatMs: 0)
    /// `leader.imbalance.check.interval.seconds`, while `auto.leader.rebalance.enable`.
    var rebalanceAt: Instant = .distantFuture
    /// When sessions may end; kept so that the loop over them runs when it may find something.
    var sessionsAt: Instant = .distantFuture

    var nextDeadline: Instant { min(rebalanceAt, sessionsAt) }
}

extension Broker {
    /// Who leads the metadata quorum, as far as this node knows; perhaps this node.
    package var activeController: BrokerID? { metadata?.quorum.leaderID }

    /// This node leads the quorum and has applied all that was committed before: it decides from now on. Every broker has a full session
    /// to be heard of, but for the controller before this one, if its connection broke: a process that died is known by that.
    mutating func becameActiveController() {
        controller.topicDefaults = TopicPolicy(config)
        var sessions = BrokerSessions(timeoutMs: config.brokerSessionTimeoutMs, heartbeatMs: config.brokerHeartbeatIntervalMs)
        sessions.begin(controller.image, now: now.instant)
        if let lost = channel.lostController { sessions.suspect(lost, now: now.instant) }
        duties.sessions = sessions
        armSessions()
        armRebalance()
        if !isStarting || config.voterIDs.count > 1 { commitMetadata(controller.decideOfflineElections().records) { _, _ in } }
    }

    /// Another node may decide by now. What was proposed and not committed has been told to fail.
    mutating func resignedActiveController() { duties = ControllerDuties() }

    mutating func armSessions() { duties.sessionsAt = duties.sessions.nextDeadline(controller.image, except: brokerID) }

    mutating func armRebalance() {
        duties.rebalanceAt = config.boolean("auto.leader.rebalance.enable")
            ? now.instant.adding(milliseconds: config.integer("leader.imbalance.check.interval.seconds") * 1000) : .distantFuture
        // Alone, a broker's leaderships are where they can be.
        if controller.image.brokers.count <= 1 { duties.rebalanceAt = .distantFuture }
    }

    mutating func controllerTick() {
        guard isActiveController else { return }
        if duties.sessionsAt <= now.instant {
            for id in duties.sessions.expired(controller.image, except: brokerID, now: now.instant) {
                duties.sessions.forget(id)
                commitMetadata(controller.decideFence(id).records) { _, _ in }
            }
            armSessions()
        }
        if duties.rebalanceAt <= now.instant {
            let percentage = config.int("leader.imbalance.per.broker.percentage")
            commitMetadata(controller.decideRebalance(percentage: percentage).records) { _, _ in }
            armRebalance()
        }
    }

    /// A connection closed, perhaps the one over which a broker's heartbeats came.
    mutating func heartbeatConnectionClosed(_ connection: ConnectionID) {
        guard isActiveController else { return }
        duties.sessions.connectionClosed(connection.rawValue, now: now.instant)
        armSessions()
    }

    /// The offset that the next metadata record will have.
    var nextMetadataOffset: Offset { metadata?.quorum.log.endOffset ?? .zero }
}
