import Observatory
import Primitives

// Views that the console has of transactions and users, printed.
extension ViewCommands {
    func adminView() throws(Failure) {
        if invocation.positionals[0] == "users" {
            let snapshot = try reading.read(Interest(.users)) { $0.admin.usersSeen != Observation() }
            try refuse("users", snapshot.admin.usersSeen)
            return print(SnapshotListings.users(snapshot.admin.users))
        }
        // Whether one hangs is known when its coordinator was asked twice.
        let snapshot = try reading.read(Interest(.hanging)) { $0.admin.openSeen != Observation() }
        try refuse("open transactions", snapshot.admin.openSeen)
        print(SnapshotListings.open(snapshot.admin.open, at: snapshot.time))
    }

    private func refuse(_ what: String, _ seen: Observation) throws(Failure) {
        if seen.time == nil, let error = seen.error { throw Failure(.error, "the \(what) cannot be read: \(error)") }
    }
}

extension SnapshotListings {
    static func users(_ users: [ScramUserSnapshot]) -> Listing {
        var listing = Listing([.init("USER", "user"), .init("MECHANISM", "mechanism"), .init("ITERATIONS", "iterations", right: true)])
        for user in users {
            for credential in user.credentials {
                listing.add([.string(user.name), .string(credential.mechanism), .number(Int64(credential.iterations))])
            }
        }
        return listing
    }

    static func open(_ transactions: [OpenTransaction], at now: Timestamp) -> Listing {
        var listing = Listing([
            .init("TOPIC", "topic"), .init("PARTITION", "partition", right: true), .init("PRODUCER-ID", "producerId", right: true),
            .init("PRODUCER-EPOCH", "producerEpoch", right: true), .init("START-OFFSET", "startOffset", right: true),
            .init("AGE-MS", "ageMs", right: true), .init("TRANSACTIONAL-ID", "transactionalId"), .init("STANDING", "standing"),
        ])
        for open in transactions {
            listing.add([
                .string(open.partition.topic), .number(Int64(open.partition.partition)), .number(open.producer.producerID),
                .number(Int64(open.producer.producerEpoch)), offset(open.producer.transactionStart), .number(open.age(at: now)),
                text(open.transactionalID), .string(open.standing.rawValue),
            ])
        }
        return listing
    }
}
