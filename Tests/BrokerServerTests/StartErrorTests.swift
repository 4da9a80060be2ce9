import Broker
import Controller
import Glibc
import Primitives
import Reactor
import Testing
import Wire

@testable import BrokerServer

@Suite struct StartErrorTests {
    /// Why a node with these settings does not start; nil where it does.
    private func refusal(_ settings: [(String, String)], directory: String) throws -> StartError? {
        let node = BrokerNode(config: try TestNode.config(settings, threads: 1, directory: directory))
        do throws(StartError) {
            try node.start()
        } catch {
            return error
        }
        node.stop()
        return nil
    }

    @Test func aPortInUseIsNamed() throws {
        let node = try TestNode()
        let other = temporaryDirectory()
        let error = try #require(try refusal([("listeners", "PLAINTEXT://127.0.0.1:\(node.port)")], directory: other))
        #expect("\(error)".contains("port \(node.port) is already in use"))
        try PosixDisk().removeTree(other)
        try node.end()
    }

    @Test func aSecondNodeOnTheSameDirectoryIsRefused() throws {
        let node = try TestNode()
        let error = try refusal([], directory: node.directory)
        #expect(error == .locked("another process uses the data directory \(node.directory)"))
        try node.client().makeTopic("orders")
        try node.end()
    }

    @Test func aDirectoryOfAnotherNodeIsRefusedAndLeftFree() throws {
        let node = try TestNode()
        node.node.stop()
        let error = try #require(try refusal([("node.id", "7")], directory: node.directory))
        guard case .directory(.foreign) = error else {
            Issue.record("\(error)")
            return
        }
        #expect(try refusal([], directory: node.directory) == nil, "its own node can still start")
        try PosixDisk().removeTree(node.directory)
    }

    @Test func aDirectoryThatIsNoneIsSaid() throws {
        let directory = temporaryDirectory()
        _ = try PosixDisk().open(directory + "/file", create: true)
        let error = try #require(try refusal([], directory: directory + "/file"))
        #expect("\(error)".contains(directory + "/file"))
        try PosixDisk().removeTree(directory)
    }

    @Test func aDamagedQuorumStateIsSaid() throws {
        let node = try TestNode()
        node.node.stop()
        let file = try PosixDisk().open(node.directory + "/__cluster_metadata-0/quorum-state", create: false)
        try file.write([Bytes("{{{{")], at: 0)
        let error = try #require(try refusal([], directory: node.directory))
        #expect("\(error)".contains("quorum-state"))
        try PosixDisk().removeTree(node.directory)
    }

    @Test func whatIsNotSupportedIsSaidBeforeAnythingIsTouched() throws {
        let directory = temporaryDirectory()
        let error = try #require(try refusal([("listeners", "SSL://127.0.0.1:0")], directory: directory + "/not-made"))
        #expect("\(error)".contains("SSL"))
        #expect(try PosixDisk().list(directory).isEmpty)
        try PosixDisk().removeTree(directory)
    }
}
