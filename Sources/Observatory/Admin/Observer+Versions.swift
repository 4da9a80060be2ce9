import ClientCore
import Primitives
import Wire

// What each broker says of the APIs that it serves and of the features that it can (KIP-584): asked for only while a view shows it.
extension Observer {
    /// What a round has still to hear, and of whom it heard nothing.
    struct VersionRound: Equatable, Sendable {
        var asked: [BrokerID] = []
        var failures: [String] = []
    }

    /// Brokers change what they serve when they are started anew: asked every few seconds, and at once where another set of them is there.
    static let versionsAgainMs: Int64 = 3_000

    mutating func askVersions(_ effects: inout Effects) {
        let brokers = alive.sorted()
        let age = snapshot.admin.versionsSeen.age(at: snapshot.time) ?? .max
        let isKnown = snapshot.admin.versions?.brokers == brokers && snapshot.admin.versionsSeen.error == nil
        guard !isKnown || age >= Observer.versionsAgainMs || round?.isThorough == true else { return }
        round?.versions.asked = brokers
        var request = ApiVersionsRequest()
        (request.clientSoftwareName, request.clientSoftwareVersion) = ("kastellan", "1")
        for broker in brokers { send(request, to: .broker(broker), .versions(broker), &effects) }
    }

    mutating func takeVersions(_ answer: ApiVersionsResponse, _ broker: BrokerID, at time: Timestamp) throws(ClientError) {
        if let error = ClientError.of(answer.errorCode) { throw error }
        toldVersions[broker] = answer
        versionsTold(by: broker, at: time)
    }

    mutating func versionsFailed(_ broker: BrokerID, _ reason: String, at time: Timestamp) {
        round?.versions.failures.append("broker \(broker): \(reason)")
        versionsTold(by: broker, at: time)
    }

    /// When all have answered or failed: a table of those that are there. One that fails keeps what it said before.
    private mutating func versionsTold(by broker: BrokerID, at time: Timestamp) {
        round?.versions.asked.removeAll { $0 == broker }
        guard let present = round?.versions, present.asked.isEmpty else { return }
        let brokers = alive
        toldVersions.removeAll { id, _ in !brokers.contains(id) }
        let answers = toldVersions.map { (broker: $0.key, answer: $0.value) }
        if !answers.isEmpty { snapshot.admin.versions = VersionTable(answers) }
        if let failure = present.failures.first { snapshot.admin.versionsSeen.failed(failure) } else {
            snapshot.admin.versionsSeen.succeeded(at: time)
        }
    }
}
