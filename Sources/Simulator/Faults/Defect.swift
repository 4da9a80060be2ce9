import Primitives

/// A deliberate defect of the engine and the kind of run that must show it: the simulator's own test.
package struct Defect: Sendable {
    package enum Kind: Sendable {
        /// Any cluster under faults.
        case replication
        /// One that books transfers.
        case transactions
    }

    /// As `simulate --mutation` takes it.
    package let name: String
    package let mutation: Mutations
    package let kind: Kind

    package static let all =
        Mutations.all.map { Defect(name: $0.name, mutation: $0.mutation, kind: .replication) } + [
            Defect(name: "answerEndBeforePrepare", mutation: .answerEndBeforePrepare, kind: .transactions),
            Defect(name: "forgetMarkers", mutation: .forgetMarkers, kind: .transactions),
            Defect(name: "ignoreLastStableOffset", mutation: .ignoreLastStableOffset, kind: .transactions),
        ]

    package static func named(_ name: String) -> Defect? { all.first { $0.name == name } }
    /// Transfers of a seed that is to show a defect of transactions.
    package static let transfers = 300
}
