import Broker
import Controller
import Primitives
import Testing
import Wire

@testable import Simulator

/// Three brokers and their metadata quorum: elections, replication of the log, takeover.
@Suite struct QuorumStories {
    private func controller(_ world: World) -> SimulatedNode? { world.nodes.values.first { $0.broker?.isActiveController == true } }

    @Test func threeBrokersElectALeaderAndReplicate() throws {
        let world = try World(seed: 11, brokers: 3)
        world.startAll()
        try world.settle()
        let leader = try #require(controller(world))
        try world.makeTopic("t")
        try world.run("everybody knows the topic", within: 2000) { world in
            world.nodes.values.allSatisfy { $0.broker?.image.topic("t") != nil }
        }
        leader.kill()
        try world.run("another leads", within: 10_000) { world in controller(world).map { $0.id != leader.id } ?? false }
        try world.makeTopic("u")
        leader.start()
        try world.run("the old leader learns it", within: 10_000) { $0.node(leader.id).broker?.image.topic("u") != nil }
    }
}
