import ClientCore
import Primitives

/// Which member of the group takes itself for the owner of which partition. `one-owner`: no two do at the same time.
///
/// A member that its coordinator has not heard of for a session may be out of the group without knowing; the rule leaves it aside. Where
/// a broker may be cut off from its peers and not from its clients, one that no longer coordinates answers heartbeats all the same, and the
/// rule says nothing (`isCertain`): what protects the group then is that such a coordinator commits nothing. Owner: the simulation.
final class Owners {
    static let faultsThatBlur: [FaultClass] = [.isolate, .cutOneWay, .split]
    /// Of members, as `Workload` and `Swarm` set it.
    static let sessionMs: Int64 = 6_000

    private struct Member {
        var owned: Set<TopicPartition> = []
        var lastHeard: () -> Instant
    }

    private unowned let world: World
    private let isCertain: Bool
    private var members: OrderedMap<String, Member> = OrderedMap()

    init(_ world: World, isCertain: Bool) {
        self.world = world
        self.isCertain = isCertain
    }

    func began(_ name: String, lastHeard: @escaping () -> Instant) { members[name] = Member(lastHeard: lastHeard) }
    func ended(_ name: String) { members.remove(name) }

    func heard(_ output: GroupConsumerOutput, _ name: String) {
        switch output {
        case .assigned(let partitions):
            for partition in partitions { check(partition, against: name) }
            members.update(name) { $0.owned.formUnion(partitions) }
        case .revoked(let partitions), .lost(let partitions): members.update(name) { $0.owned.subtract(partitions) }
        default: break
        }
    }

    private func check(_ partition: TopicPartition, against name: String) {
        guard isCertain else { return }
        for (other, member) in members where other != name && member.owned.contains(partition) {
            guard member.lastHeard().adding(milliseconds: Owners.sessionMs) > world.now else { continue }
            world.violated("one-owner", "\(name) is given \(partition), and \(other) still has it")
        }
    }
}
