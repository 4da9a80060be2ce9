import ClientCore
import Primitives
import Wire

// What tells how replication is doing: reassignments, replicas' log ends, minimum in-sync replicas, throttles, fenced brokers.
extension Observer {
    mutating func askReplication(_ effects: inout Effects) {
        if interest.isOnce, interest.screen == .topics { return }
        askReplicationForAlerts(&effects)
        switch interest.screen {
        case .overview, .partitions, .reassignments, .topic: askReassignments(&effects)
        case .brokers, .topics, .events, .quorum: if isSlowRound { askReassignments(&effects) }
        // For how long unread records are kept.
        case .group(let id): return askSettings(of: (snapshot.groups[id]?.topics ?? []).filter { snapshot.topics[$0] != nil }, &effects)
        default: return
        }
        switch interest.screen {
        case .topic(let name):
            askReplicaEnds(of: [name], &effects)
            askSettings(of: [name], &effects)
            if isSlowRound { askEligible(name, &effects) }
        case .partitions, .topics, .overview: askSettings(of: snapshot.topics.keys, &effects)
        case .reassignments:
            askSettings(of: snapshot.topics.keys, &effects)
            askReplicaEnds(of: snapshot.reassignments.keys.map(\.topic).uniqued(), &effects)
            askThrottles(&effects)
        case .brokers:
            askRegistrations(&effects)
            if isSlowRound { askThrottles(&effects) }
        default: break
        }
        if interest.screen == .overview, isSlowRound {
            askRegistrations(&effects)
            askThrottles(&effects)
        }
    }

    /// What the screen does not ask for by itself.
    private mutating func askReplicationForAlerts(_ effects: inout Effects) {
        switch interest.screen {
        // They read all of it in the slow rounds too.
        case .overview: return
        case .partitions, .topics: break
        case .reassignments, .topic: if alsoWants(.partitions) { askSettings(of: snapshot.topics.keys, &effects) }
        default:
            guard alsoWants(.partitions) else { break }
            if interest.screen != .brokers, interest.screen != .events, interest.screen != .quorum { askReassignments(&effects) }
            askSettings(of: snapshot.topics.keys, &effects)
        }
        if alsoWants(.partitions), interest.screen != .reassignments, interest.screen != .brokers { askThrottles(&effects) }
        if alsoWants(.brokers), interest.screen != .brokers { askRegistrations(&effects) }
    }

    private mutating func askReassignments(_ effects: inout Effects) {
        guard snapshot.observations.reassignments.error == nil || isSlowRound else { return }
        var request = ListPartitionReassignmentsRequest()
        request.topics = nil
        send(request, to: .controller, .reassignments, &effects)
    }

    /// Each broker is asked once for the log ends of the replicas it holds, as the debugging consumer: consumers are answered by leaders
    /// alone, and only with the high watermark.
    private mutating func askReplicaEnds(of names: [String], _ effects: inout Effects) {
        var held = OrderedMap<BrokerID, [(TopicPartition, Int64)]>()
        var count = 0
        for name in names {
            for partition in snapshot.topics[name]?.partitions ?? [] where count < ObserverLimits.replicaEndsMax {
                count += 1
                let wanted = (TopicPartition(name, partition.index), ListOffsetsTime.latest)
                for broker in partition.replicas { held[broker, default: []].append(wanted) }
            }
        }
        for (broker, partitions) in held {
            guard snapshot.brokers[broker]?.isAlive == true else {
                snapshot.forgetLogEnds(of: broker, in: names)
                continue
            }
            var request = listOffsetsRequest(partitions)
            request.replicaID = -2
            send(request, to: .broker(broker), .replicaEnds(broker, names), &effects)
        }
    }

    /// Topics that were never asked first, then in slow rounds all of them, as many a round as may be asked.
    private mutating func askSettings(of names: [String], _ effects: inout Effects) {
        let (values, none) = (snapshot.topics.values, Observation())
        var wanted: [String]
        if names.count == values.count {
            wanted = values.indices.filter { values[$0].settingsObservation == none }.map { values[$0].name }
        } else {
            wanted = names.filter { name in
                snapshot.topics.index(of: name).map { values[$0].settingsObservation == none } ?? false
            }
        }
        if isSlowRound, wanted.isEmpty { wanted = names }
        guard !wanted.isEmpty else { return }
        let most = isLarge ? ObserverLimits.settingsLargeMax : ObserverLimits.settingsMax
        if wanted.count > most {
            let start = wanted.firstIndexSorted(after: settingsCursor)
            wanted = (0..<most).map { wanted[(start + $0) % wanted.count] }
            settingsCursor = wanted.last ?? ""
        }
        var request = describeConfigsRequest(wanted.map { .topic($0) }, keys: ReplicationKeys.ofTopics)
        (request.includeSynonyms, request.includeDocumentation) = (false, false)
        send(request, to: .any, .settings(wanted), &effects)
    }

    private mutating func askThrottles(_ effects: inout Effects) {
        for (id, broker) in snapshot.brokers where broker.isAlive {
            var request = describeConfigsRequest([.broker(id)], keys: ReplicationKeys.ofBrokers)
            (request.includeSynonyms, request.includeDocumentation) = (false, false)
            send(request, to: .broker(id), .throttle(id), &effects)
        }
    }

    private mutating func askRegistrations(_ effects: inout Effects) {
        var request = DescribeClusterRequest()
        request.includeFencedBrokers = true
        send(request, to: .any, .registrations, &effects)
    }

    private mutating func askEligible(_ name: String, _ effects: inout Effects) {
        var request = DescribeTopicPartitionsRequest()
        var topic = DescribeTopicPartitionsRequest.Topic()
        topic.name = name
        request.topics = [topic]
        send(request, to: .any, .eligible, &effects)
    }
}
