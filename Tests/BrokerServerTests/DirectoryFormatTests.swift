import Controller
import Primitives
import Reactor
import Storage
import Testing

@testable import BrokerServer

/// The words are those of the recorded runs of kafka-storage.
@Suite struct DirectoryFormatTests {
    private let directory = temporaryDirectory()
    private let clusterID = "4L6g3nShT-eMCtK--X86sw"

    private func settings(_ more: [(String, String)] = []) throws -> BrokerConfig {
        try BrokerConfig(
            [
                ("node.id", "1"), ("process.roles", "broker,controller"), ("controller.listener.names", "CONTROLLER"),
                ("controller.quorum.voters", "1@127.0.0.1:9093,2@127.0.0.1:9094,3@127.0.0.1:9095"),
                ("listeners", "PLAINTEXT://127.0.0.1:0,CONTROLLER://127.0.0.1:0"), ("log.dirs", "\(directory)/a"),
            ] + more)
    }

    private func refusal(_ config: BrokerConfig, _ clusterID: String, ignoreFormatted: Bool) -> String {
        do throws(FormatError) {
            return try DirectoryFormat(config).format(clusterID: clusterID, ignoreFormatted: ignoreFormatted).joined(separator: "\n")
        } catch {
            return error.description
        }
    }

    @Test func aDirectoryIsFormattedOnce() throws {
        defer { try? PosixDisk().removeTree(directory) }
        let format = DirectoryFormat(try settings())
        #expect(try format.look() == [.init(directory: "\(directory)/a", meta: nil, exists: false)])
        let lines = try format.format(clusterID: clusterID, ignoreFormatted: false)
        #expect(lines.last == "Formatting metadata directory \(directory)/a with metadata.version 4.3-IV0.")
        #expect(
            lines.first?.hasPrefix(
                "Bootstrap metadata: BootstrapMetadata(records=[ApiMessageAndVersion(FeatureLevelRecord(name='metadata.version', "
                    + "featureLevel=30) at version 0), ApiMessageAndVersion(FeatureLevelRecord(name='eligible.leader.replicas.version', "
                    + "featureLevel=1)") == true)
        let meta = try #require(try format.look().first?.meta)
        #expect(meta.clusterID == clusterID && meta.nodeID == 1)
        #expect(try format.clusterID() == clusterID)
        #expect(
            refusal(try settings(), clusterID, ignoreFormatted: false)
                == "Log directory \(directory)/a is already formatted. Use --ignore-formatted to ignore this directory and format the "
                + "others.")
        #expect(
            try format.format(clusterID: clusterID, ignoreFormatted: true) == ["All of the log directories are already formatted."])
        #expect(try format.look().first?.meta == meta, "nothing was written again")
    }

    @Test func anotherClustersOrNodesDirectoryIsRefused() throws {
        defer { try? PosixDisk().removeTree(directory) }
        _ = try DirectoryFormat(try settings()).format(clusterID: clusterID, ignoreFormatted: false)
        #expect(
            refusal(try settings(), "AAAAAAAAAAAAAAAAAAAABw", ignoreFormatted: true)
                == "Invalid cluster.id in: \(directory)/a/meta.properties. Expected AAAAAAAAAAAAAAAAAAAABw, but read \(clusterID)")
        #expect(
            refusal(try settings([("node.id", "2")]), clusterID, ignoreFormatted: true)
                .hasPrefix("Stored node id 1 doesn't match previous node id 2 in \(directory)/a/meta.properties."))
    }

    @Test func somebodyElsesFolderIsNotWrittenInto() throws {
        defer { try? PosixDisk().removeTree(directory) }
        try PosixDisk().makeDirectory("\(directory)/a/photos")
        #expect(refusal(try settings(), clusterID, ignoreFormatted: false).contains("is not empty"))
        #expect(try PosixDisk().list("\(directory)/a") == ["photos"])
    }

    @Test func aNodeOfSeveralDoesNotStartWithoutItsClustersID() throws {
        defer { try? PosixDisk().removeTree(directory) }
        let node = BrokerNode(config: try settings())
        do throws(StartError) {
            try node.bind()
            Issue.record("an unformatted directory was taken")
        } catch {
            #expect(error.description.hasPrefix("No `meta.properties` found in \(directory)/a (have you run `kafka-storage.sh` to format"))
        }
        #expect(try PosixDisk().list(directory).isEmpty, "nothing was touched")
        _ = try DirectoryFormat(try settings()).format(clusterID: clusterID, ignoreFormatted: false)
        try node.bind()
        #expect(node.endpoints.first?.port ?? 0 > 0 && node.controllerEndpoints.first?.port ?? 0 > 0)
        node.stop()
        #expect(node.endpoints.isEmpty)
    }
}
