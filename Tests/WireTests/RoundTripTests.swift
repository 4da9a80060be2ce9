import Foundation
import Primitives
import Testing

@testable import Wire

/// What every description has to hold to, over random values in every version: the recordings pin the bytes, this the reach.
@Suite struct RoundTripTests {
    static let records: [any WireMessage.Type] =
        [
            RegisterBrokerRecord.self, UnregisterBrokerRecord.self, FenceBrokerRecord.self, UnfenceBrokerRecord.self,
            BrokerRegistrationChangeRecord.self, RegisterControllerRecord.self, TopicRecord.self, RemoveTopicRecord.self,
            PartitionRecord.self,
            PartitionChangeRecord.self, ClearElrRecord.self, ConfigRecord.self, FeatureLevelRecord.self, ProducerIDsRecord.self,
            ClientQuotaRecord.self, UserScramCredentialRecord.self, RemoveUserScramCredentialRecord.self, AccessControlEntryRecord.self,
            RemoveAccessControlEntryRecord.self, NoOpRecord.self, BeginTransactionRecord.self, EndTransactionRecord.self,
            AbortTransactionRecord.self, LeaderChangeMessage.self, SnapshotHeaderRecord.self, SnapshotFooterRecord.self,
            KRaftVersionRecord.self, VotersRecord.self, EndTxnMarker.self, OffsetCommitKey.self, OffsetCommitValue.self,
            GroupMetadataKey.self, GroupMetadataValue.self, ConsumerGroupMetadataKey.self, ConsumerGroupMetadataValue.self,
            ConsumerGroupPartitionMetadataKey.self, ConsumerGroupPartitionMetadataValue.self, ConsumerGroupMemberMetadataKey.self,
            ConsumerGroupMemberMetadataValue.self, ConsumerGroupTargetAssignmentMetadataKey.self,
            ConsumerGroupTargetAssignmentMetadataValue.self, ConsumerGroupTargetAssignmentMemberKey.self,
            ConsumerGroupTargetAssignmentMemberValue.self, ConsumerGroupCurrentMemberAssignmentKey.self,
            ConsumerGroupCurrentMemberAssignmentValue.self, ConsumerGroupRegularExpressionKey.self,
            ConsumerGroupRegularExpressionValue.self, ShareGroupMemberMetadataKey.self, ShareGroupMemberMetadataValue.self,
            ShareGroupMetadataKey.self, ShareGroupMetadataValue.self, ShareGroupTargetAssignmentMetadataKey.self,
            ShareGroupTargetAssignmentMetadataValue.self, ShareGroupTargetAssignmentMemberKey.self,
            ShareGroupTargetAssignmentMemberValue.self, ShareGroupCurrentMemberAssignmentKey.self,
            ShareGroupCurrentMemberAssignmentValue.self, ShareGroupStatePartitionMetadataKey.self,
            ShareGroupStatePartitionMetadataValue.self, TransactionLogKey.self, TransactionLogValue.self,
            ConsumerProtocolSubscription.self, ConsumerProtocolAssignment.self, EnvelopePrincipal.self,
        ]

    static var messages: [any WireMessage.Type] {
        APIKey.allCases.flatMap { key -> [any WireMessage.Type] in [key.requestType, key.responseType] } + records
    }

    @Test func randomMessagesOfEveryVersionComeBackEqual() throws {
        for type in Self.messages { try roundTrip(type) }
    }

    private func roundTrip<M: WireMessage>(_ type: M.Type) throws {
        for version in type.validVersions {
            for seed in 0..<8 as Range<UInt64> {
                let message = try RandomFiller.message(type, version: version, seed: seed)
                let bytes = message.encode(version: version)
                #expect(try M.decode(bytes, version: version) == message, "\(type) v\(version) seed \(seed)")
                #expect(message.encode(version: version) == bytes, "encoding \(type) v\(version) changes it")
                _ = WirePrinter.print(message, version: version)
            }
        }
    }

    @Test func everyStrictPrefixOfAMessageIsTruncated() throws {
        for type in Self.messages { try truncate(type) }
    }

    private func truncate<M: WireMessage>(_ type: M.Type) throws {
        for version in type.validVersions {
            let bytes = try RandomFiller.message(type, version: version, seed: 3).encode(version: version)
            for length in 0..<bytes.count {
                let cut = bytes.prefix(length)
                #expect(throws: WireError.truncated, "\(type) v\(version) at \(length)") { try M.decode(cut, version: version) }
            }
        }
    }

    /// The schema as last agreed upon. To accept a change: `KASTELLAN_UPDATE_GOLDENS=1 swift test --filter schema`.
    @Test func schemaIsTheGoldenOne() throws {
        let text = Self.messages.map { schema($0) }.joined(separator: "\n")
        let file = Fixture.directory.appending(path: "schema.txt")
        if ProcessInfo.processInfo.environment["KASTELLAN_UPDATE_GOLDENS"] != nil {
            try text.write(to: file, atomically: true, encoding: .utf8)
        }
        #expect(try Fixture.text("schema.txt") == text)
    }

    private func schema<M: WireMessage>(_ type: M.Type) -> String { WireSchema.text(of: type) }
}
