import Broker
import Controller
import Primitives
import Quorum
import Replication
import Storage
import Wire

/// Plays scenarios. A broker is named by its number, as `leader` of a topic's partition (`leader:t-0`), as `controller`, as `all`, or by a
/// name that `name` gave it. Topics stand for their partition 0 where none is named.
///
/// - `cluster brokers=3 [seed=7] [roles=a;b;c] [racks=N] [key=value …]`: settings over those of development; starts it and waits until it
///   is ready. With racks, broker 1 is in `r0`, broker 2 in `r1`, and so on.
/// - `topic T [partitions=N] [replicas=N] [config=value …]`
/// - `produce T VALUE…`: prints the first one's offset.
/// - `produce-once T VALUE… [broker=B]`: one attempt; prints the offset, the error, or `no answer`.
/// - `read T [from=N] [broker=B]`: prints the values.
/// - `start | stop | kill | pause | resume | power-off BROKER…`; `power-off` loses all that was not synced.
/// - `cut A B`, `cut-way A B`, `isolate A`, `heal`; `full-disk A`, `bad-disk A`, `good-disk A`.
/// - `rot B T [from=N]`: damages the batch with offset N on broker B; `log B WORD…`: what B has noted with these words in it.
/// - `begin P`, `send P T VALUE…`, `commit P`, `abort P`: producer P, by that transactional id. A `send` prints the first one's offset.
/// - `member M T… [group=G] [protocol=consumer] [rack=B] [committed]`: starts a member, in group M where none is named, in the rack of
///   broker B; `given M N`: waits for N records and prints all that it was given since the last time, and for one with a rack which
///   brokers sent them; `owns M N`: waits until it has N partitions and prints them.
/// - `hush M`: nothing reaches member M any more; `break M`: its connections break, and what is under way is lost.
/// - `wait MS`; `await ready`, `await leader T [not=B]`, `await isr T N`, `await controller [not=B]`: steps until it is so.
/// - `name N = BROKER`; `show T`: leader and in-sync replicas; `logs T`: what each broker holds; `elect T BROKER` etc. are left to tests.
package final class ScenarioRunner {
    private(set) var world: World?
    private var names: [String: BrokerID] = [:]
    private var auditor: Auditor?
    var output: [String] = []
    let clients = ScenarioClients()

    private let mutations: Mutations

    /// `mutations`: deliberate defects of the brokers.
    package init(mutations: Mutations = []) { self.mutations = mutations }

    /// Plays a block; its lines.
    package func run(_ block: Scenario.Block) -> [String] {
        output = []
        for command in block.commands where !command.isEmpty && !command.hasPrefix("#") {
            do {
                try perform(command)
            } catch let stuck as Stuck {
                output.append("\(command): stuck: \(stuck.what) not within \(stuck.milliseconds) ms")
            } catch {
                output.append("\(command): \(error)")
            }
        }
        for violation in world?.violations ?? [] { output.append("VIOLATION \(violation.rule): \(violation.text)") }
        return output
    }

    package var trace: [String] { world?.trace.all ?? [] }

    // MARK: Words

    struct Words {
        var plain: [String] = []
        var settings: [(key: String, value: String)] = []

        init(_ words: [String]) {
            for word in words {
                if let equals = word.firstIndex(of: "="), equals != word.startIndex, word != "=" {
                    settings.append((String(word[..<equals]), String(word[word.index(after: equals)...])))
                } else {
                    plain.append(word)
                }
            }
        }

        mutating func take(_ key: String) -> String? {
            guard let index = settings.firstIndex(where: { $0.key == key }) else { return nil }
            return settings.remove(at: index).value
        }
    }

    struct Unknown: Error, CustomStringConvertible {
        var description: String
    }

    var cluster: World {
        get throws {
            guard let world else { throw Unknown(description: "no cluster yet") }
            return world
        }
    }

    private func perform(_ command: String) throws {
        let all = command.split(separator: " ").map(String.init)
        var words = Words(Array(all.dropFirst()))
        switch all[0] {
        case "cluster": try makeCluster(&words)
        case "topic": try makeTopic(&words)
        case "produce", "produce-once", "read", "show", "logs": try partition(all[0], &words)
        case "start", "stop", "kill", "pause", "resume", "power-off", "full-disk", "bad-disk", "good-disk":
            for word in words.plain { for node in try brokers(word) { strike(all[0], node, try cluster) } }
        case "begin", "send", "commit", "abort", "member", "given", "owns", "hush", "break": try client(all[0], &words)
        case "rot": try rot(&words)
        case "log": try log(words.plain)
        case "cut", "cut-way", "isolate", "heal": try network(all[0], words.plain)
        case "wait": try cluster.run(milliseconds: Int64(words.plain.first ?? "") ?? 0)
        case "await": try wait(words)
        case "name":
            guard words.plain.count == 3 else { throw Unknown(description: "name N = BROKER") }
            names[words.plain[0]] = try broker(words.plain[2])
        default: throw Unknown(description: "no such command")
        }
    }

    private func brokers(_ word: String) throws -> [SimulatedNode] {
        if word == "all" { return try cluster.nodes.values }
        return [try cluster.node(broker(word))]
    }

    func broker(_ word: String) throws -> BrokerID {
        if let named = names[word] { return named }
        if let number = Int32(word), try cluster.nodes[BrokerID(number)] != nil { return BrokerID(number) }
        if word == "controller" {
            guard let node = try cluster.nodes.values.first(where: { $0.broker?.isActiveController == true }) else {
                throw Unknown(description: "no controller")
            }
            return node.id
        }
        if word.hasPrefix("leader:") {
            let (topic, number) = place(String(word.dropFirst(7)))
            guard let leader = try cluster.leader(topic, number) else { throw Unknown(description: "no leader") }
            return leader
        }
        if word.hasPrefix("follower:") {
            let (topic, number) = place(String(word.dropFirst(9)))
            let told = try cluster.metadata([topic]).topics.first?.partitions.first { $0.partitionIndex == number }
            guard let told, let other = told.replicaNodes.first(where: { $0 != told.leaderID }) else {
                throw Unknown(description: "no follower")
            }
            return BrokerID(other)
        }
        throw Unknown(description: "no broker \(word)")
    }

    /// `t` is partition 0 of `t`, `t-2` its partition 2.
    func place(_ word: String) -> (topic: String, partition: Int32) {
        guard let dash = word.lastIndex(of: "-"), let number = Int32(word[word.index(after: dash)...]) else { return (word, 0) }
        return (String(word[..<dash]), number)
    }

    // MARK: Commands

    private func makeCluster(_ words: inout Words) throws {
        let count = Int(words.take("brokers") ?? "3") ?? 3
        let seed = UInt64(words.take("seed") ?? "1") ?? 1
        let roles = words.take("roles")?.split(separator: ";").map(String.init) ?? []
        let racks = Int(words.take("racks") ?? "0") ?? 0
        let settings = words.settings.map { ($0.key, $0.value) }
        let world = try World(seed: seed, brokers: count, settings: settings, roles: roles, racks: racks, mutations: mutations)
        world.trace.isRecording = true
        (self.world, names) = (world, [:])
        auditor = Auditor(world)
        world.startAll()
        try world.settle()
    }

    private func makeTopic(_ words: inout Words) throws {
        guard let name = words.plain.first else { throw Unknown(description: "topic NAME") }
        let partitions = Int32(words.take("partitions") ?? "1") ?? 1
        let replicas = Int16(words.take("replicas") ?? "-1") ?? -1
        try cluster.makeTopic(name, partitions: partitions, replicas: replicas, configs: words.settings.map { ($0.key, $0.value) })
    }

    private func partition(_ command: String, _ words: inout Words) throws {
        guard let first = words.plain.first else { throw Unknown(description: "\(command) TOPIC") }
        let (topic, number) = place(first)
        let world = try cluster
        let values = Array(words.plain.dropFirst())
        switch command {
        case "produce": output.append("\(topic)-\(number): offset \(try world.produce(topic, values, partition: number))")
        case "produce-once": try produceOnce(topic, number, values, &words)
        case "read":
            let start = Int64(words.take("from") ?? "0") ?? 0
            let source = try words.take("broker").map { try broker($0) }
            let found = try world.read(topic, partition: number, from: start, broker: source)
            output.append("\(topic)-\(number): \(found.isEmpty ? "nothing" : found.joined(separator: " "))")
        case "show": try show(topic, number)
        default: logs(topic, number, world)
        }
    }

    /// One request and no other, with `producer=` and `sequence=` where it is to be idempotent.
    private func produceOnce(_ topic: String, _ number: Int32, _ values: [String], _ words: inout Words) throws {
        let (world, named) = (try cluster, words.take("broker"))
        let id = words.take("producer").flatMap { Int64($0) }
        let sequence = words.take("sequence").flatMap { Int32($0) } ?? 0
        guard let target = try named.map({ try broker($0) }) ?? world.leader(topic, number) else { throw Unknown(description: "no leader") }
        let request = World.produceRequest(topic, values, partition: number, acks: -1, at: world.now, producer: id.map { ($0, sequence) })
        let pending = world.send(request, to: target, version: 9)
        do throws(Stuck) { try world.run("an answer", within: 15_000) { _ in pending.isDone } } catch {}
        let answer = pending.response?.topics.first?.partitions.first
        let text = answer.map { $0.errorCode == .none ? "offset \($0.baseOffset)" : $0.errorCode.name } ?? "no answer"
        output.append("\(topic)-\(number): \(text)")
    }

    private func show(_ topic: String, _ number: Int32) throws {
        let told = try cluster.metadata([topic]).topics.first
        guard let found = told?.partitions.first(where: { $0.partitionIndex == number }) else {
            return output.append("\(topic)-\(number): \(told?.errorCode.name ?? "unknown")")
        }
        let leader = found.leaderID >= 0 ? "leader \(found.leaderID)" : "no leader"
        let inSync = found.isrNodes.sorted().map { "\($0)" }.joined(separator: ",")
        let replicas = found.replicaNodes.map { "\($0)" }.joined(separator: ",")
        output.append("\(topic)-\(number): \(leader), in sync \(inSync), replicas \(replicas)")
    }

    private func logs(_ topic: String, _ number: Int32, _ world: World) {
        for node in world.nodes.values {
            guard let replica = node.broker?.heldReplicas.first(where: { $0.partition == TopicPartition(topic, number) }) else { continue }
            let role = replica.isLeader ? "leader" : "follower"
            output.append("broker \(node.id): \(role), log end \(replica.log.logEndOffset), high watermark \(replica.highWatermark)")
        }
    }

    private func strike(_ command: String, _ node: SimulatedNode, _ world: World) {
        switch command {
        case "start": node.start()
        case "stop": node.stop()
        case "kill": node.kill()
        case "pause": node.pause()
        case "resume": node.resume()
        case "full-disk": node.disk.capacity = node.disk.used
        case "bad-disk": node.disk.failsSyncs = true
        case "good-disk": (node.disk.capacity, node.disk.failsSyncs) = (.max, false)
        default:
            var how = SimulatedDisk.PowerCut()
            how.losesAll = true
            node.cutPower(how)
            if node.config.staticText("log.flush.interval.messages") != "1" { auditor?.forgiveLosses() }
        }
    }

    private func rot(_ words: inout Words) throws {
        let offset = Int64(words.take("from") ?? "0") ?? 0
        let byte = words.take("byte").flatMap { Int($0) }
        guard words.plain.count == 2 else { throw Unknown(description: "rot BROKER TOPIC from=OFFSET byte=N") }
        let (world, node) = (try cluster, try cluster.node(broker(words.plain[0])))
        let (topic, number) = place(words.plain[1])
        guard let replica = node.broker?.heldReplicas.first(where: { $0.partition == TopicPartition(topic, number) }) else {
            throw Unknown(description: "no replica there")
        }
        var random = PRNG(seed: world.seed)
        let isHit = world.rot(replica, on: node, offset: Offset(offset), byte: byte, &random)
        if !isHit { throw Unknown(description: "no batch there") }
    }

    private func log(_ words: [String]) throws {
        guard let first = words.first else { throw Unknown(description: "log BROKER WORD…") }
        let text = words.dropFirst().joined(separator: " ")
        output += try cluster.node(broker(first)).lines.filter { $0.contains(text) }
    }

    private func network(_ command: String, _ words: [String]) throws {
        let world = try cluster
        if command == "heal" { return world.network.healAll() }
        let hosts = try words.map { HostID(try broker($0)) }
        if command == "isolate" {
            for victim in hosts {
                for other in world.nodes.values where other.host != victim { world.network.separate(victim, other.host) }
            }
            return
        }
        guard hosts.count == 2 else { throw Unknown(description: "\(command) A B") }
        if command == "cut" { world.network.separate(hosts[0], hosts[1]) } else { world.network.cut(NetworkPath(hosts[0], hosts[1])) }
    }

    private func wait(_ given: Words) throws {
        var words = given
        let world = try cluster
        let other = try words.take("not").map { try broker($0) }
        let rest = words.plain
        func image(_ world: World) -> ClusterImage? {
            world.nodes.values.first { $0.broker?.isActiveController == true && !$0.isPaused }?.broker?.image
        }
        switch rest.first {
        case "ready": try world.settle()
        case "controller":
            try world.run("a controller") { world in
                world.nodes.values.contains { $0.broker?.isActiveController == true && $0.id != other && !$0.isPaused }
            }
        case "leader" where rest.count == 2:
            let (topic, number) = place(rest[1])
            try world.run("a leader of \(rest[1])") { world in
                guard let leader = image(world)?.partition(TopicPartition(topic, number))?.leader else { return false }
                return leader != other
            }
        case "isr" where rest.count == 3:
            let (topic, number) = place(rest[1])
            let wanted = Int(rest[2])
            try world.run("\(rest[2]) in sync of \(rest[1])", within: 60_000) { world in
                image(world)?.partition(TopicPartition(topic, number))?.inSyncReplicas.count == wanted
            }
        default: throw Unknown(description: "await ready | controller | leader T | isr T N")
        }
    }
}
