import Client

/// `admin KEY=VALUE …`: an admin client that standard input drives. Each command is one call of `Admin`, by its name.
struct DrivenAdmin {
    let admin: Admin

    init(_ configuration: ClientConfiguration) throws { admin = try Admin(configuration) }

    func carryOut(_ command: String, _ line: inout Line, _ reply: inout Reply) async throws -> Bool {
        if try await carryOutTopics(command, &line, &reply) { return true }
        if try await carryOutGroups(command, &line, &reply) { return true }
        if try await carryOutAccess(command, &line, &reply) { return true }
        return try await carryOutCluster(command, &line, &reply)
    }

    /// What was refused is told as the error of the command.
    private func all<K>(_ refused: [K: KafkaError]) throws {
        if let error = refused.values.first { throw error }
    }

    private func carryOutTopics(_ command: String, _ line: inout Line, _ reply: inout Reply) async throws -> Bool {
        switch command {
        case "createTopics":
            var plan = TopicPlan(try line.text(), partitions: try line.number(), replicas: try line.number())
            plan.settings = try line.pairs()
            try all(try await admin.createTopics([plan]))
        case "validateTopics":
            let plan = TopicPlan(try line.text(), partitions: try line.number(), replicas: 1)
            try all(try await admin.createTopics([plan], validateOnly: true))
        case "deleteTopics": try all(try await admin.deleteTopics(try line.texts()))
        case "listTopics": for name in try await admin.listTopics() { reply.row(Bytes(name)) }
        case "describeTopics":
            for topic in try await admin.describeTopics(try line.texts()) {
                for row in topic.partitions {
                    let replicas = row.replicas.map { "\($0)" }.joined(separator: ",")
                    reply.row(Bytes(topic.name), Bytes(number: row.partition), Bytes(number: row.leader ?? -1), Bytes(replicas))
                }
            }
        case "createPartitions": try all(try await admin.createPartitions([try line.text(): try line.number()]))
        case "deleteRecords":
            let topic = try line.text()
            for (partition, offset) in try await admin.deleteRecords(below: try line.offsets(of: topic).mapValues(\.offset)) {
                reply.row(Bytes(number: partition.partition), Bytes(number: offset))
            }
        case "listOffsets":
            let partition = TopicPartition(try line.text(), try line.number())
            for time in try line.texts() {
                reply.row(Bytes(number: try await admin.listOffsets([partition: Int64(time) ?? -1])[partition]?.offset ?? -1))
            }
        case "alterReassignments":
            let partition = TopicPartition(try line.text(), try line.number())
            let brokers = try line.texts().compactMap { Int32($0) }
            try all(try await admin.alterReassignments([partition: brokers.isEmpty ? nil : brokers]))
        case "listReassignments":
            for partition in try await admin.listReassignments().keys.sorted() {
                reply.row(Bytes(partition.topic), Bytes(number: partition.partition))
            }
        case "electLeaders":
            let topic = try line.text()
            try all(try await admin.electLeaders(try line.partitions(of: topic)))
        default: return false
        }
        return true
    }

    private func carryOutGroups(_ command: String, _ line: inout Line, _ reply: inout Reply) async throws -> Bool {
        switch command {
        case "listGroups":
            for group in try await admin.listGroups() { reply.row(Bytes(group.group), Bytes(group.type), Bytes(group.state)) }
        case "describeGroup":
            let group = try await admin.describeGroup(try line.text())
            reply.row(Bytes(group.state), Bytes(number: group.members.count), Bytes(group.assignor))
        case "deleteGroup": try await admin.deleteGroup(try line.text())
        case "removeMembers":
            let group = try line.text()
            try await admin.removeMembers(instances: try line.texts(), of: group)
        case "listGroupOffsets":
            for (partition, offset) in try await admin.listOffsets(ofGroup: try line.text()) {
                reply.row(Bytes(partition.topic), Bytes(number: partition.partition), Bytes(number: offset.offset))
            }
        case "alterGroupOffsets":
            let (group, topic) = (try line.text(), try line.text())
            try all(try await admin.alterOffsets(ofGroup: group, try line.offsets(of: topic)))
        case "deleteGroupOffsets":
            let (group, topic) = (try line.text(), try line.text())
            try all(try await admin.deleteOffsets(ofGroup: group, try line.partitions(of: topic)))
        case "listTransactions":
            for found in try await admin.listTransactions() { reply.row(Bytes(found.transactionalID), Bytes(found.state)) }
        case "describeTransaction":
            let transaction = try await admin.describeTransaction(try line.text())
            reply.row([Bytes(transaction.state)] + transaction.partitions.flatMap { [Bytes($0.topic), Bytes(number: $0.partition)] })
        case "describeProducers":
            for producer in try await admin.describeProducers(TopicPartition(try line.text(), try line.number())) {
                reply.row(Bytes(number: producer.producerID), Bytes(number: producer.lastSequence), Bytes(number: producer.producerEpoch))
            }
        case "fenceProducer": try await admin.fenceProducer(try line.text())
        case "abortHanging":
            let partition = TopicPartition(try line.text(), try line.number())
            let producers = try await admin.describeProducers(partition).filter { $0.transactionStart != nil }
            for producer in producers { try await admin.abortHanging(partition, producer) }
            reply.row(Bytes(number: producers.count))
        default: return false
        }
        return true
    }

    private func carryOutAccess(_ command: String, _ line: inout Line, _ reply: inout Reply) async throws -> Bool {
        func rule(_ line: inout Line) throws -> AccessRule {
            AccessRule(.topic, try line.text(), principal: "User:alice", operation: .read)
        }
        switch command {
        case "createAccess": try await admin.createAccess([try rule(&line)])
        case "describeAccess": for rule in try await admin.describeAccess() { reply.row(Bytes(rule.name), Bytes(rule.principal)) }
        case "deleteAccess": try await admin.deleteAccess([try rule(&line)])
        case "setUser":
            let (user, salt, salted) = (try line.text(), try line.bytes(), try line.bytes())
            try await admin.setUser(
                user, .sha256, salt: salt ?? .empty, saltedPassword: salted ?? .empty, iterations: try line.number())
        case "describeUsers":
            for (user, mechanisms) in try await admin.describeUsers() {
                for (mechanism, iterations) in mechanisms {
                    reply.row(Bytes(user), Bytes(mechanism == .sha256 ? "SCRAM-SHA-256" : "SCRAM-SHA-512"), Bytes(number: iterations))
                }
            }
        case "deleteUser": try await admin.deleteUser(try line.text(), .sha256)
        case "alterQuotas":
            try await admin.alterQuotas(QuotaEntity(user: try line.text()), [try line.text(): Double(try line.text())])
        case "describeQuotas":
            for (entity, values) in try await admin.describeQuotas() {
                for (key, value) in values { reply.row(entity.user?.map { Bytes($0) }, Bytes(key), Bytes("\(value)")) }
            }
        default: return false
        }
        return true
    }

    private func carryOutCluster(_ command: String, _ line: inout Line, _ reply: inout Reply) async throws -> Bool {
        switch command {
        case "describeConfigs":
            for entry in try await admin.describeConfigs(try resource(&line)) {
                reply.row(Bytes(entry.name), entry.value.map { Bytes($0) })
            }
        case "alterConfigs":
            let resource = try resource(&line)
            let (key, value) = (try line.text(), try line.bytes()?.string)
            try await admin.alterConfigs(resource, [key: value.map { .set($0) } ?? .delete])
        case "listConfigResources":
            for resource in try await admin.listConfigResources() { if case .topic(let name) = resource { reply.row(Bytes(name)) } }
        case "describeCluster":
            for broker in try await admin.describeCluster().brokers { reply.row(Bytes(number: broker.id), Bytes(broker.host)) }
        case "describeFeatures":
            for (name, level) in try await admin.describeFeatures() { reply.row(Bytes(name), Bytes(number: level)) }
        case "updateFeatures": try await admin.updateFeatures([try line.text(): try line.number()])
        case "describeQuorum":
            let quorum = try await admin.describeQuorum()
            for node in quorum.voters { reply.row(Bytes(number: node.id), Bytes(node.id == quorum.leader ? "leader" : "voter")) }
        case "unregisterBroker": try await admin.unregisterBroker(try line.number())
        case "describeLogDirs":
            for directory in try await admin.describeLogDirs(broker: try line.number()) {
                for (partition, bytes) in directory.partitionBytes { reply.row(Bytes(partition.topic), Bytes(number: bytes)) }
            }
        case "close": admin.close()
        default: return false
        }
        return true
    }

    private func resource(_ line: inout Line) throws -> SettingsResource {
        let (type, name) = (try line.text(), try line.text())
        return type == "topic" ? .topic(name) : type == "group" ? .group(name) : .broker(Int32(name))
    }
}
