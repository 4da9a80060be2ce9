import Client
import ClientCore
import Observatory
import Primitives
import Wire

/// `get apis` and `get features`: every broker is asked, and what they say stands side by side.
struct VersionViews {
    let access: ClusterAccess

    func apis() throws(Failure) -> Listing {
        let table = try table()
        var listing = Listing([
            .init("KEY", "key", right: true), .init("API", "api"), .init("ALL-SERVE", "common"), .init("DIFFERS", "differences"),
        ])
        for row in table.apis {
            listing.add([.number(Int64(row.key ?? -1)), .string(row.name), common(table, row), differences(table, row)])
        }
        return listing
    }

    func features() throws(Failure) -> Listing {
        let table = try table()
        var listing = Listing([
            .init("FEATURE", "feature"), .init("FINALIZED", "finalizedVersionLevel", right: true), .init("ALL-CAN", "common"),
            .init("DIFFERS", "differences"), .init("CANNOT", "unable"),
        ])
        for row in table.features {
            let unable = table.unable(row).map { JSON.number(Int64($0.rawValue)) }
            listing.add([
                .string(row.name), .number(Int64(row.finalized ?? 0)), common(table, row), differences(table, row),
                unable.isEmpty ? .null : .array(unable),
            ])
        }
        return listing
    }

    private func common(_ table: VersionTable, _ row: VersionTable.Row) -> JSON { table.common(row).map { .string($0.text) } ?? .null }

    private func differences(_ table: VersionTable, _ row: VersionTable.Row) -> JSON {
        let found = table.differences(row)
        return found.isEmpty ? .null : .array(found.map { .string($0) })
    }

    /// A broker that does not answer fails it: without it nobody knows what all can.
    private func table() throws(Failure) -> VersionTable {
        let cluster = try access.ask(DescribeClusterRequest())
        var request = ApiVersionsRequest()
        (request.clientSoftwareName, request.clientSoftwareVersion) = ("kastellan", "1")
        var answers: [(broker: BrokerID, answer: ApiVersionsResponse)] = []
        for broker in cluster.brokers.map(\.brokerID).sorted() {
            let answer = try access.ask(request, to: .broker(BrokerID(broker)))
            if answer.errorCode.isError { throw access.failure(.kafka(answer.errorCode, message: "broker \(broker)")) }
            answers.append((BrokerID(broker), answer))
        }
        return VersionTable(answers)
    }
}
