import Primitives
import Wire

/// AlterUserScramCredentials: users who log in with SCRAM (KIP-554). Only what checks a password enters the log, never the password.
extension Controller {
    /// A user is named at most once in a request; of each the answer says what became of it, in the order of their names.
    package func decideAlterUserScramCredentials(
        _ request: AlterUserScramCredentialsRequest, _ hashing: Hashing
    ) -> Decision<AlterUserScramCredentialsResponse> {
        var decision = Decision(response: AlterUserScramCredentialsResponse())
        var counts = NameCounts(request.deletions.map(\.name) + request.upsertions.map(\.name))
        var results: OrderedMap<String, APIFailure> = OrderedMap()
        var names: [String] = []
        func note(_ name: String, _ record: () throws(APIFailure) -> MetadataRecord) {
            if counts.isRepeated(name) {
                guard counts.takeFirst(name) else { return }
                results[name] = APIFailure(.duplicateResource, "A user credential cannot be altered twice in the same request")
            } else {
                do throws(APIFailure) { decision.records.append(try record()) } catch { results[name] = error }
            }
            names.append(name)
        }
        for deletion in request.deletions {
            note(deletion.name) { () throws(APIFailure) in
                let mechanism = try checked(deletion.name, deletion.mechanism)
                guard image.kept.scramCredential(mechanism, deletion.name) != nil else {
                    throw APIFailure(.resourceNotFound, "Attempt to delete a user credential that does not exist")
                }
                return MetadataRecords.removeScram(deletion.name, mechanism)
            }
        }
        for upsertion in request.upsertions {
            note(upsertion.name) { () throws(APIFailure) in
                let mechanism = try checked(upsertion.name, upsertion.mechanism)
                if upsertion.iterations < ScramMechanism.iterationsMin { throw APIFailure(.unacceptableCredential, "Too few iterations") }
                if upsertion.iterations > ScramMechanism.iterationsMax { throw APIFailure(.unacceptableCredential, "Too many iterations") }
                let credential = ScramCredential(
                    mechanism, saltedPassword: upsertion.saltedPassword.withUnsafeBytes { Array($0) },
                    salt: upsertion.salt.withUnsafeBytes { Array($0) }, iterations: Int(upsertion.iterations), hashing)
                return MetadataRecords.scram(upsertion.name, mechanism, credential)
            }
        }
        decision.response.results = names.sorted().map { name in
            var result = AlterUserScramCredentialsResponse.Result()
            result.user = name
            if let failure = results[name] { (result.errorCode, result.errorMessage) = (failure.code, failure.message) }
            return result
        }
        return decision
    }

    private func checked(_ name: String, _ mechanism: Int8) throws(APIFailure) -> ScramMechanism {
        if name.isEmpty { throw APIFailure(.unacceptableCredential, "Username must not be empty") }
        guard let found = ScramMechanism(rawValue: mechanism) else {
            throw APIFailure(.unsupportedSaslMechanism, "Unknown SCRAM mechanism")
        }
        return found
    }

    /// The records that begin a new cluster with these users, for `bootstrap.checkpoint`.
    package static func bootstrapRecords(
        users: [(name: String, mechanism: ScramMechanism, credential: ScramCredential)]
    ) -> [MetadataRecord] {
        [
            MetadataRecords.featureLevel("metadata.version", metadataVersion),
            MetadataRecords.featureLevel(eligibleLeadersFeature, 1),
        ] + users.map { MetadataRecords.scram($0.name, $0.mechanism, $0.credential) }
    }
}

extension MetadataRecords {
    static func scram(_ name: String, _ mechanism: ScramMechanism, _ credential: ScramCredential) -> MetadataRecord {
        var record = UserScramCredentialRecord()
        record.name = name
        record.mechanism = mechanism.rawValue
        record.salt = Bytes(credential.salt)
        record.storedKey = Bytes(credential.storedKey)
        record.serverKey = Bytes(credential.serverKey)
        record.iterations = Int32(credential.iterations)
        return .userScramCredential(record)
    }

    static func removeScram(_ name: String, _ mechanism: ScramMechanism) -> MetadataRecord {
        var record = RemoveUserScramCredentialRecord()
        record.name = name
        record.mechanism = mechanism.rawValue
        return .removeUserScramCredential(record)
    }
}

extension KeptRecords {
    /// What is kept of a user's password; nil where the user does not log in so.
    package func scramCredential(_ mechanism: ScramMechanism, _ user: String) -> UserScramCredentialRecord? {
        guard case .userScramCredential(let record)? = records["scram \(mechanism.rawValue) \(user)"] else { return nil }
        return record
    }

    /// All who log in with SCRAM, in the order of their names.
    package var scramUsers: [String] {
        var names: Set<String> = []
        for case .userScramCredential(let record) in records.values { names.insert(record.name) }
        return names.sorted()
    }
}
