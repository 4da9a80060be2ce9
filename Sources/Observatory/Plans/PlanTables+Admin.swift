import Primitives
import Wire

// Plans that end transactions, and that take a login away.
extension PlanTables {
    static func abortTransaction(_ wanted: TransactionToAbort, _ facts: PlanFacts, now: Timestamp) throws(PlanError) -> Plan {
        let partition = wanted.partition
        guard facts.exists(partition.topic) else { throw PlanError("Topic \(partition.topic) does not exist.") }
        guard facts.partition(partition) != nil else {
            throw PlanError("Topic \(partition.topic) has \(count(facts.partitions(of: partition.topic).count, "partition")).")
        }
        guard facts.leader(partition) != nil else { throw PlanError("\(partition) has no leader that could write the marker.") }
        if let code = facts.producerErrors[partition] { throw PlanError("\(partition): \(code.name): \(code.message)") }
        let producer = try producer(wanted, facts.producers[partition] ?? [])
        var plan = Plan(action: .abortTransaction(wanted), title: "Abort a transaction in \(partition)")
        plan.columns = ["PARTITION", "PRODUCER-ID", "PRODUCER-EPOCH", "COORDINATOR-EPOCH", "START-OFFSET", "LAST-TIMESTAMP", "CHANGE"]
        plan.rows = [
            Plan.Row([
                partition.description, "\(producer.producerID)", "\(producer.producerEpoch)", "\(producer.coordinatorEpoch)",
                producer.transactionStart?.description ?? "-",
                producer.lastTimestamp == .none ? "-" : "\(producer.lastTimestamp.milliseconds)", "abort",
            ])
        ]
        if let start = producer.transactionStart {
            plan.touches = ["Readers with read_committed go on beyond offset \(start); they will never see the transaction's records."]
        }
        if let owner = facts.transactions.values.first(where: { $0.producerID == producer.producerID }) {
            if owner.isOpen && owner.partitions.contains(partition) {
                plan.warnings.append(
                    "Transactional id \(owner.id) has it under way (\(owner.state)) and will end it itself, after "
                        + "\(owner.timeoutMs ?? 0) ms at the latest: what it commits elsewhere is then lost here.")
            }
        }
        plan.inverse = .none("An aborted transaction's records stay unread.")
        plan.confirmation = .typedName(partition.description)
        plan.steps = [.abortMarker(partition, producer)]
        return plan
    }

    private static func producer(_ wanted: TransactionToAbort, _ known: [ActiveProducer]) throws(PlanError) -> ActiveProducer {
        switch wanted.which {
        case .startOffset(let offset):
            guard var found = known.first(where: { $0.transactionStart == offset }) else {
                throw PlanError("Could not find any open transactions starting at offset \(offset) on partition \(wanted.partition)")
            }
            // A producer whose first transaction it is has met no coordinator here yet.
            found.coordinatorEpoch = max(0, found.coordinatorEpoch)
            return found
        case .producer(let id, let epoch, let coordinatorEpoch):
            let found = known.first { $0.producerID == id }
            return ActiveProducer(
                producerID: id, producerEpoch: Int32(epoch), coordinatorEpoch: coordinatorEpoch, lastSequence: found?.lastSequence ?? -1,
                lastTimestamp: found?.lastTimestamp ?? .none, transactionStart: found?.transactionStart)
        }
    }

    static func fenceProducer(_ id: String, _ facts: PlanFacts, now: Timestamp) throws(PlanError) -> Plan {
        guard let known = facts.transactions[id] else { throw PlanError("There is no transactional id \(id).") }
        var plan = Plan(action: .fenceProducer(transactionalID: id), title: "Fence the producer of \(id)")
        plan.columns = ["TRANSACTIONAL-ID", "PRODUCER-ID", "PRODUCER-EPOCH", "STATE", "RUNNING-MS", "PARTITIONS", "CHANGE"]
        plan.rows = [
            Plan.Row([
                id, "\(known.producerID)", known.producerEpoch.map { "\($0)" } ?? "-", known.state,
                known.age(at: now).map { "\($0)" } ?? "-", known.partitions.map(\.description).joined(separator: ","),
                known.isOpen ? "abort, new epoch" : "new epoch",
            ])
        ]
        plan.touches = ["The producer that uses \(id) now can go on no more; one that begins anew is not affected."]
        plan.inverse = .none("An aborted transaction's records stay unread.")
        plan.confirmation = .typedName(id)
        plan.steps = [.fenceProducer(transactionalID: id)]
        return plan
    }

    static func removeCredentials(_ user: String, _ mechanisms: [String], _ facts: PlanFacts) -> Plan {
        let known = facts.users.first { $0.name == user }?.credentials ?? []
        let present = known.filter { mechanisms.isEmpty || mechanisms.contains($0.mechanism) }
        var plan = Plan(
            action: .removeCredentials(user: user, mechanisms: mechanisms), title: "Remove \(count(present.count, "login")) of \(user)")
        plan.columns = ["USER", "MECHANISM", "ITERATIONS", "CHANGE"]
        plan.rows = known.map {
            Plan.Row(
                [user, $0.mechanism, "\($0.iterations)", present.contains($0) ? "remove" : "stays"], isChange: present.contains($0))
        }
        if present.isEmpty { plan.obstacles.append("User \(user) has no such login.") }
        if present.count == known.count, !known.isEmpty { plan.warnings.append("\(user) can log in by SCRAM no more.") }
        plan.touches = ["Connections that are open stay; the next login is refused."]
        plan.inverse = .none("What the user logs in with is told by no cluster.")
        plan.confirmation = .typedName(user)
        plan.steps = [.removeCredentials(user: user, mechanisms: present.map(\.mechanism))]
        return plan
    }
}
