import ClientCore
import Controller
import Primitives
import Records

/// The clients of a scenario, by name; all of them the real machines. Owner: the runner.
final class ScenarioClients {
    final class Writer {
        fileprivate var run: MachineRun<ProducerMachine>?
        fileprivate var records = 0
        fileprivate var steps = 0
        /// Where a record stands, or why it does not.
        fileprivate var outcomes: [Int: String] = [:]
        /// By step of the transactions: empty where it is done, otherwise what was wrong.
        fileprivate var ended: [Int: String] = [:]
    }

    final class Member {
        let client: SimulatedClient
        fileprivate var run: MachineRun<GroupConsumerMachine>?
        fileprivate var values: [String] = []

        init(_ client: SimulatedClient) { self.client = client }
    }

    fileprivate var writers: [String: Writer] = [:]
    fileprivate var members: [String: Member] = [:]
}

extension ScenarioRunner {
    func client(_ command: String, _ words: inout Words) throws {
        guard let name = words.plain.first else { throw Unknown(description: "\(command) NAME") }
        let rest = Array(words.plain.dropFirst())
        switch command {
        case "member": try startMember(name, &words)
        case "given": try given(name, Int(rest.first ?? "") ?? 1)
        case "owns": try owns(name, Int(rest.first ?? "") ?? 1)
        case "hush":
            for node in try cluster.nodes.values { try cluster.network.cut(NetworkPath(node.host, member(name).client.host)) }
        case "break": try cluster.network.breakOff(member(name).client.host)
        case "send": try send(name, rest)
        case "begin": try step(writer(name)) { .beginTransaction(number: $0) }
        case "commit": try step(writer(name)) { .commitTransaction(number: $0) }
        default: try step(writer(name)) { .abortTransaction(number: $0) }
        }
    }

    // MARK: Producers

    private func writer(_ name: String) throws -> ScenarioClients.Writer {
        if let known = clients.writers[name] { return known }
        let (world, new) = (try cluster, ScenarioClients.Writer())
        var options = ProducerOptions()
        (options.seed, options.lingerMs, options.transactionalID) = (world.seed, 0, name)
        let run = world.addClient(name).host(ProducerMachine(options, codecs: .uncompressed)) { [unowned new] output in
            switch output {
            case .delivered(let number, _, let offset): new.outcomes[number] = "offset \(offset)"
            case .failed(let number, let error): new.outcomes[number] = "\(error)"
            case .written, .lost, .topic: break
            case .transactionDone(let number): new.ended[number] = ""
            case .transactionFailed(let number, let error, _): new.ended[number] = "\(error)"
            }
        }
        (new.run, clients.writers[name]) = (run, new)
        run.start()
        try step(new) { .initTransactions(number: $0) }
        return new
    }

    private func step(_ writer: ScenarioClients.Writer, _ input: (Int) -> ProducerInput) throws {
        let number = writer.steps
        writer.steps += 1
        writer.run?.receive(input(number))
        try cluster.run("the end of a step") { _ in writer.ended[number] != nil }
        if let wrong = writer.ended[number], !wrong.isEmpty { output.append(wrong) }
    }

    private func send(_ name: String, _ words: [String]) throws {
        guard let target = words.first, words.count > 1 else { throw Unknown(description: "send P TOPIC VALUE…") }
        let (writer, (topic, number)) = (try writer(name), place(target))
        let first = writer.records
        for value in words.dropFirst() {
            let record = ProducerRecord(topic: topic, partition: number, key: nil, value: Bytes(value))
            writer.run?.receive(.send(number: writer.records, record))
            writer.records += 1
        }
        try cluster.run("outcomes of all records") { _ in (first..<writer.records).allSatisfy { writer.outcomes[$0] != nil } }
        output.append("\(topic)-\(number): \(writer.outcomes[first] ?? "")")
    }

    // MARK: Members

    private func startMember(_ name: String, _ words: inout Words) throws {
        let world = try cluster
        let topics = words.plain.dropFirst().filter { $0 != "committed" }
        var options = GroupConsumerOptions(group: words.take("group") ?? name, topics: topics)
        if words.take("protocol") == "consumer" { options.groupProtocol = .consumer }
        options.isReadCommitted = words.plain.contains("committed")
        // Members of KIP-848 make their ids themselves.
        options.seed = world.seed &+ UInt64(clients.members.count)
        (options.offsetReset, options.metadataRefreshMs) = (.earliest, 2_000)
        let member = ScenarioClients.Member(world.addClient(name))
        if let near = words.take("rack") {
            options.rack = try world.node(broker(near)).config.staticText("broker.rack")
            member.client.sources = FetchSources()
        }
        clients.members[name] = member
        let machine = GroupConsumerMachine(options, codecs: .uncompressed)
        member.run = member.client.host(machine) { [unowned member] output in
            guard case .records(let delivery, let records) = output else { return }
            member.values += records.map { $0.value?.lossyString ?? "null" }
            member.run?.receive(.taken(delivery: delivery))
        }
        member.run?.start()
    }

    private func member(_ name: String) throws -> ScenarioClients.Member {
        guard let member = clients.members[name] else { throw Unknown(description: "no member \(name)") }
        return member
    }

    private func owns(_ name: String, _ count: Int) throws {
        let member = try member(name)
        func owned() -> [TopicPartition] { member.run?.machine.ownedPartitions ?? [] }
        try cluster.run("\(count) partitions for \(name)") { _ in owned().count == count }
        output.append("\(name): \(owned().map(\.description).joined(separator: " "))")
    }

    private func given(_ name: String, _ count: Int) throws {
        let member = try member(name)
        try cluster.run("\(count) records for \(name)") { _ in member.values.count >= count }
        let sources = member.client.sources?.records.map { ", \($0.value) from broker \($0.key)" }.joined() ?? ""
        output.append("\(name): \(member.values.joined(separator: " "))\(sources)")
        member.values = []
        if member.client.sources != nil { member.client.sources = FetchSources() }
    }
}
