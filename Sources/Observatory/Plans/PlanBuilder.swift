import ClientCore
import Primitives
import Wire

/// Makes a `Plan` of a `PlanAction`: reads what the plan has to know from the cluster as it is now (not from a picture some seconds
/// old), asks the broker to validate where it can, and works out before and after. Changes nothing.
///
/// Puts out exactly one result, then finishes.
package struct PlanBuilder: ClientMachine {
    package typealias Input = Never
    package typealias Output = Result<Plan, PlanError>
    private typealias Effects = [ClientEffect<Output>]

    let action: PlanAction
    /// The bootstrap list, for the command lines.
    let bootstrap: String
    private var reader = FactReader()
    private var stage = 0
    private var time = Timestamp.none

    package init(_ action: PlanAction, bootstrap: String) {
        self.action = action
        self.bootstrap = bootstrap
    }

    package mutating func start(now: Now) -> [ClientEffect<Output>] {
        time = now.wall
        if let problem = inputProblem { return finish(.failure(problem)) }
        return advance()
    }

    package mutating func answered(_ token: Int, _ result: AnswerResult, now: Now) -> [ClientEffect<Output>] {
        guard reader.answered(token, result), reader.isDone else { return [] }
        if let failure = reader.failure { return finish(.failure(PlanError("\(failure)."))) }
        return advance()
    }

    private func finish(_ result: Output) -> Effects { [.output(result), .finished] }

    private mutating func advance() -> Effects {
        while let reads = reads(stage: stage) {
            stage += 1
            let effects: Effects = reader.ask(reads)
            if !effects.isEmpty { return effects }
        }
        do throws(PlanError) {
            var plan = try build(reader.facts)
            plan.kafkaCommand = KafkaCommand.text(for: plan, bootstrap: bootstrap)
            plan.obstacles += reader.facts.objections
            return finish(.success(plan))
        } catch {
            return finish(.failure(error))
        }
    }

    // MARK: Reads

    /// What a stage reads; nil after the last.
    private func reads(stage: Int) -> [PlanRead]? {
        let facts = reader.facts
        switch (action, stage) {
        case (.createTopic(let topic), 0): return [.topics([topic.name] + (topic.like.map { [$0] } ?? []))]
        case (.createTopic(let topic), 1): return topic.like.map { facts.exists($0) ? [.configs([.topic($0)])] : [] } ?? []
        case (.createTopic(let topic), 2):
            guard !facts.exists(topic.name), let whole = try? PlanTables.filled(topic, facts) else { return [] }
            return [.validation(.createTopic(whole))]
        case (.recreateTopic(let name), 0): return [.topics([name])]
        case (.recreateTopic(let name), 1): return facts.exists(name) ? bounds(facts.partitions(of: name)) + [.configs([.topic(name)])] : []
        case (.deleteTopic(let name), 0): return [.topics([name])]
        case (.produce(let message), 0): return [.topics([message.topic])]
        case (.load(let job), 0): return [.topics([job.topic])]
        case (.deleteTopic(let name), 1): return bounds(facts.partitions(of: name))
        case (.addPartitions(let topic, _), 0): return [.topics([topic])]
        case (.addPartitions(let topic, let total), 1):
            return facts.exists(topic) ? [.validation(.createPartitions(topic: topic, total: total))] : []
        case (.alterConfig(let resource, let set, let delete), 0):
            return [.configs([resource]), .validation(.alterConfig(resource, set: set, delete: delete))]
        case (.resetOffsets(let group, _, _), 0): return [.group(group), .commits(group)]
        case (.resetOffsets(let group, let scope, let strategy), 1): return [.topics(topics(group, scope, strategy, facts))]
        case (.resetOffsets(let group, let scope, let strategy), 2):
            let partitions = ResetTable.partitions(group, scope, strategy, facts)
            return bounds(partitions) + (ResetTable.timestamp(strategy, now: time).map { [.offsets(timestamp: $0, partitions)] } ?? [])
        case (.deleteGroup(let group), 0), (.deleteGroupOffsets(let group, _), 0): return [.group(group), .commits(group)]
        case (.deleteRecords(let records), 0): return [.topics(records.map(\.partition.topic).uniqued())]
        case (.deleteRecords(let records), 1):
            let known = records.map(\.partition.topic).uniqued().filter { facts.exists($0) }
            return bounds(records.map(\.partition)) + [.configs(known.map { .topic($0) })]
        case (.addAccess, 0), (.removeAccess, 0): return [.access]
        case (.alterQuota(let subject, let set, let delete), 0):
            return [.quotas(subject), .validation(.alterQuota(subject, set: set, delete: delete))]
        case (.setFeature(let name, let level, let isDowngrade), 0):
            return [.features, .validation(.setFeature(name, level: level, isDowngrade: isDowngrade))]
        default: return adminReads(stage: stage, facts) ?? replicationReads(stage: stage, facts)
        }
    }

    /// Plans that move replicas look at the whole cluster: room is where others are not.
    private func replicationReads(stage: Int, _ facts: PlanFacts) -> [PlanRead]? {
        switch (action, stage) {
        case (.reassign, 0), (.cancelReassignments, 0), (.throttle, 0): return [.cluster, .reassignments]
        case (.electLeaders, 0): return [.cluster]
        case (.reassign(let wish), 1):
            return [.sizes, .throttles(topics: wish.throttle == nil ? [] : facts.partitions(in: wish.scope).map(\.topic).uniqued())]
        case (.cancelReassignments, 1), (.throttle, 1): return [.throttles(topics: facts.topics.keys)]
        default: return nil
        }
    }

    private func adminReads(stage: Int, _ facts: PlanFacts) -> [PlanRead]? {
        switch (action, stage) {
        case (.abortTransaction(let wanted), 0): return [.topics([wanted.partition.topic])]
        case (.abortTransaction(let wanted), 1): return [.producers([wanted.partition])]
        case (.abortTransaction, 2):
            let open = facts.producers.values.flatMap { $0.filter { $0.transactionStart != nil }.map(\.producerID) }
            return open.isEmpty ? [] : [.transactions(producers: open.uniqued())]
        case (.abortTransaction, 3): return [.described(facts.transactions.keys)]
        case (.fenceProducer(let id), 0): return [.described([id])]
        case (.removeCredentials, 0), (.setCredential, 0): return [.users]
        default: return nil
        }
    }

    private func bounds(_ partitions: [TopicPartition]) -> [PlanRead] {
        [.offsets(timestamp: ListOffsetsTime.earliest, partitions), .offsets(timestamp: ListOffsetsTime.latest, partitions)]
    }

    private func topics(_ group: String, _ scope: ResetScope, _ strategy: ResetStrategy, _ facts: PlanFacts) -> [String] {
        if case .file(_, let csv) = strategy {
            return ((try? OffsetsFile.parse(csv))?.rows ?? []).map(\.partition.topic).uniqued()
        }
        switch scope {
        case .allTopics: return facts.commits.keys.map(\.topic).uniqued()
        case .topics(let names): return names.uniqued()
        case .partitions(let partitions): return partitions.map(\.topic).uniqued()
        }
    }

    // MARK: Plans

    /// What is wrong with the action whatever the cluster is like.
    private var inputProblem: PlanError? {
        switch action {
        case .createTopic(let topic):
            if topic.name.isEmpty { return PlanError("A topic needs a name.") }
            if let partitions = topic.partitions, partitions < 1 { return PlanError("A topic has at least one partition.") }
            if let factor = topic.replicationFactor, factor < 1 { return PlanError("A partition has at least one replica.") }
            return nil
        case .alterConfig(_, let set, let delete): return set.isEmpty && delete.isEmpty ? PlanError("No config is to be changed.") : nil
        case .resetOffsets(let group, _, let strategy):
            if group.isEmpty { return PlanError("A group needs a name.") }
            guard case .file(_, let csv) = strategy else { return nil }
            do throws(PlanError) { _ = try OffsetsFile.parse(csv) } catch { return error }
            return nil
        case .deleteRecords(let records): return records.isEmpty ? PlanError("No partition was named.") : nil
        case .setCredential(let new): return new.problem
        case .load(let job):
            if job.records < 1 { return PlanError("A load has at least one record.") }
            return job.size < 0 ? PlanError("A record has no less than 0 bytes.") : nil
        case .throttle(let rate?): return rate < 1 ? PlanError("A throttle is at least 1 byte a second.") : nil
        case .reassign(let wish):
            if let throttle = wish.throttle, throttle < 1 { return PlanError("A throttle is at least 1 byte a second.") }
            if case .factor(let factor) = wish.target, factor < 1 { return PlanError("A partition has at least one replica.") }
            if case .brokers(_, let factor?) = wish.target, factor < 1 { return PlanError("A partition has at least one replica.") }
            return nil
        case .alterQuota(_, let set, let delete):
            if set.isEmpty && delete.isEmpty { return PlanError("No quota is to be changed.") }
            return set.first { Double($0.value) == nil }.map { PlanError("\($0.name): \"\($0.value)\" is not a number.") }
        case .addAccess(let rules), .removeAccess(let rules): return rules.isEmpty ? PlanError("No access rule was named.") : nil
        default: return nil
        }
    }

    private func build(_ facts: PlanFacts) throws(PlanError) -> Plan {
        switch action {
        case .createTopic(let topic): return try PlanTables.createTopic(topic, facts)
        case .recreateTopic(let name): return try PlanTables.recreateTopic(name, facts)
        case .deleteTopic(let name): return try PlanTables.deleteTopic(name, facts)
        case .addPartitions(let topic, let total): return try PlanTables.addPartitions(topic, total, facts)
        case .alterConfig(let resource, let set, let delete): return PlanTables.alterConfig(resource, set, delete, facts)
        case .produce(let message): return try PlanTables.produce(message, facts, now: time)
        case .resetOffsets(let group, let scope, let strategy):
            return try ResetTable(group: group, scope: scope, strategy: strategy, facts: facts, now: time).plan()
        case .deleteGroup(let group): return try PlanTables.deleteGroup(group, facts)
        case .deleteGroupOffsets(let group, let topic): return try PlanTables.deleteGroupOffsets(group, topic, facts)
        case .deleteRecords(let records): return try PlanTables.deleteRecords(records, facts)
        case .reassign(let wish): return try ReassignTable(wish: wish, facts: facts).plan()
        case .cancelReassignments(let partitions): return PlanTables.cancelReassignments(partitions, facts)
        case .electLeaders(let scope, let unclean): return try PlanTables.electLeaders(scope, unclean: unclean, facts)
        case .throttle(let rate): return PlanTables.throttle(rate, facts)
        case .addAccess(let rules): return PlanTables.addAccess(rules, facts)
        case .removeAccess(let rules): return PlanTables.removeAccess(rules, facts)
        case .alterQuota(let subject, let set, let delete): return PlanTables.alterQuota(subject, set, delete, facts)
        case .setFeature(let name, let level, let isDowngrade):
            return PlanTables.setFeature(name, level, isDowngrade: isDowngrade, facts)
        case .load(let job): return try PlanTables.load(job, facts)
        case .send: throw PlanError("What it would write has to be counted first.")
        case .schema: throw PlanError("No schema registry is named for this cluster.")
        case .connect: throw PlanError("No Kafka Connect is named for this cluster.")
        case .abortTransaction(let wanted): return try PlanTables.abortTransaction(wanted, facts, now: time)
        case .fenceProducer(let id): return try PlanTables.fenceProducer(id, facts, now: time)
        case .removeCredentials(let user, let mechanisms): return PlanTables.removeCredentials(user, mechanisms, facts)
        case .setCredential(let new): return PlanTables.setCredential(new, facts)
        }
    }
}
