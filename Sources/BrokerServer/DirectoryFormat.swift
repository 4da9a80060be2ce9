import Broker
import Controller
import Primitives
import Reactor
import Storage
import Wire

/// Why a directory was not formatted, in Kafka's words: people search for them.
package struct FormatError: Error, Equatable, Sendable, CustomStringConvertible {
    package var description: String
    package init(_ description: String) { self.description = description }
}

/// Makes data directories a cluster's own, as `kafka-storage.sh format` does: each gets a `meta.properties` that names the cluster,
/// the node and the directory. A node of several needs it before its first start; a lone one does it itself.
package struct DirectoryFormat {
    private let disk = PosixDisk()
    private let nodeID: BrokerID
    private let directories: [String]
    private let metadataDirectory: String

    package init(_ config: BrokerConfig) {
        nodeID = config.nodeID
        directories = config.logDirectories
        metadataDirectory = config.metadataLogDirectory
    }

    package struct Found: Equatable {
        package var directory: String
        /// Nil where it is not formatted.
        package var meta: MetaProperties?
        package var exists: Bool
    }

    /// What is there now.
    package func look() throws(FormatError) -> [Found] {
        var found: [Found] = []
        for directory in directories {
            found.append(Found(directory: directory, meta: try meta(directory), exists: disk.exists(directory)))
        }
        return found
    }

    /// The cluster that the directories belong to; nil where none is formatted.
    package func clusterID() throws(FormatError) -> String? { try look().compactMap(\.meta).first?.clusterID }

    private func meta(_ directory: String) throws(FormatError) -> MetaProperties? {
        let file = "\(directory)/meta.properties"
        guard disk.exists(file) else { return nil }
        let text: String
        do throws(DiskError) { text = try disk.readAll(file).lossyString } catch { throw FormatError("\(LogError.disk(error).message)") }
        guard let meta = MetaProperties.read(text) else { throw FormatError("\(file) is not of version 1, or lacks a key") }
        return meta
    }

    /// Formats what is not formatted, and says what it did, one line each. All is checked before anything is written.
    /// `users` can log in with SCRAM from the cluster's first moment; every node is to be formatted with the same.
    package func format(clusterID: String, ignoreFormatted: Bool, users: [ScramUser] = []) throws(FormatError) -> [String] {
        let found = try look()
        for (directory, meta) in found.compactMap({ found in found.meta.map { (found.directory, $0) } }) {
            guard ignoreFormatted else {
                throw FormatError(
                    "Log directory \(directory) is already formatted. Use --ignore-formatted to ignore this directory and format the "
                        + "others.")
            }
            try check(meta, directory, clusterID)
        }
        let fresh = found.filter { $0.meta == nil }.map(\.directory)
        guard !fresh.isEmpty else { return ["All of the log directories are already formatted."] }
        for directory in fresh { try checkEmpty(directory) }
        var random = PRNG(seed: SystemClock.seed())
        var lines = [DirectoryFormat.bootstrapLine]
        // Kafka writes the metadata directory last: where it stands, all stand.
        if fresh.contains(metadataDirectory), !users.isEmpty { try writeBootstrap(users) }
        for directory in fresh.filter({ $0 != metadataDirectory }) + fresh.filter({ $0 == metadataDirectory }) {
            try write(MetaProperties(clusterID: clusterID, nodeID: nodeID, directoryID: UUID.random(&random)), directory)
            let kind = directory == metadataDirectory ? "metadata" : "data"
            lines.append("Formatting \(kind) directory \(directory) with metadata.version \(Controller.metadataVersionName).")
        }
        return lines
    }

    private func check(_ meta: MetaProperties, _ directory: String, _ clusterID: String) throws(FormatError) {
        if meta.clusterID != clusterID {
            throw FormatError("Invalid cluster.id in: \(directory)/meta.properties. Expected \(clusterID), but read \(meta.clusterID)")
        }
        if meta.nodeID != nodeID {
            throw FormatError(
                "Stored node id \(meta.nodeID) doesn't match previous node id \(nodeID) in \(directory)/meta.properties. If you moved your "
                    + "data, make sure your configured node id matches. If you intend to create a new node, you should remove all data in "
                    + "your data directories.")
        }
    }

    /// Somebody else's folder is not written into.
    private func checkEmpty(_ directory: String) throws(FormatError) {
        guard disk.exists(directory) else { return }
        let names = (try? disk.list(directory)) ?? []
        guard names.allSatisfy({ $0.hasPrefix(".") || $0 == "lost+found" }) else {
            throw FormatError("\(directory) is not empty and has no meta.properties: is it a data directory?")
        }
    }

    private func write(_ meta: MetaProperties, _ directory: String) throws(FormatError) {
        do throws(DiskError) {
            try disk.makeDirectory(directory)
            try disk.replace("\(directory)/meta.properties", with: Bytes(meta.text))
        } catch {
            throw FormatError("Unable to create storage directory \(directory): \(LogError.disk(error).message)")
        }
    }

    private func writeBootstrap(_ users: [ScramUser]) throws(FormatError) {
        let records = Controller.bootstrapRecords(users: users.map { ($0.name, $0.mechanism, $0.credential) })
        do throws(DiskError) {
            try disk.makeDirectory(metadataDirectory)
            try disk.replace("\(metadataDirectory)/\(BootstrapFile.name)", with: BootstrapFile.content(records, now: SystemClock.now()))
        } catch {
            throw FormatError("Unable to create storage directory \(metadataDirectory): \(LogError.disk(error).message)")
        }
    }

    /// What the first controller will write, as Kafka tells it.
    private static var bootstrapLine: String {
        let records = Controller.bootstrapRecords().compactMap { record -> String? in
            guard case .featureLevel(let level) = record else { return nil }
            return "ApiMessageAndVersion(FeatureLevelRecord(name='\(level.name)', featureLevel=\(level.featureLevel)) at version 0)"
        }
        return "Bootstrap metadata: BootstrapMetadata(records=[\(records.joined(separator: ", "))], "
            + "metadataVersionLevel=\(Controller.metadataVersion), source=format command)"
    }
}
