import Foundation
import Primitives
import Testing

@testable import Controller

/// Every key that a real broker's `kafka-configs --describe --all` lists: honoured, or without effect for a reason that is told.
@Suite struct EveryKeyTests {
    private static let keys: [String] = {
        let path = URL(fileURLWithPath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
            .appending(path: "Fixtures/broker-config-keys.txt")
        return (try? String(contentsOf: path, encoding: .utf8))?.split(separator: "\n").map(String.init) ?? []
    }()

    @Test func eachIsHonouredOrSaysWhyNot() {
        #expect(Self.keys.count > 300)
        for key in Self.keys where BrokerConfigDefinitions.find(key) == nil {
            let reason = UnsupportedKeys.reason(key)
            #expect(reason != nil, "\(key) is neither honoured nor refused")
            #expect(reason?.contains("\n") != true)
        }
    }

    @Test func aKeyWithoutEffectIsOneLineOfWarning() throws {
        for key in Self.keys where BrokerConfigDefinitions.find(key) == nil {
            let text = "node.id=1\n\(key)=7"
            if UnsupportedKeys.refusal(key, "7") != nil {
                #expect(throws: BrokerConfigError.self) { try BrokerConfig(text: text) }
            } else {
                #expect(try BrokerConfig(text: text).warnings.count == 1, "\(key)")
            }
        }
    }

    @Test func whatWouldMakeTheClusterLessStrictIsRefused() throws {
        #expect(throws: BrokerConfigError(problems: [
            "create.topic.policy.class.name cannot be honoured: it names Java code, which cannot be loaded here"
        ])) { try BrokerConfig(text: "node.id=1\ncreate.topic.policy.class.name=com.example.Policy") }
        #expect(try BrokerConfig(text: "node.id=1\nremote.log.storage.system.enable=false").warnings.count == 1)
        #expect(throws: BrokerConfigError.self) { try BrokerConfig(text: "node.id=1\nremote.log.storage.system.enable=true") }
    }

    /// A file that writes every default down, as Kafka's own example does for some, is no reason for a word.
    @Test func defaultsAreNoReasonForAWarning() throws {
        for definition in BrokerConfigDefinitions.all {
            guard let text = definition.defaultText, !text.isEmpty, !["node.id", "broker.id"].contains(definition.name) else { continue }
            #expect(try BrokerConfig(text: "node.id=1\n\(definition.name)=\(text)").warnings == [], "\(definition.name)")
        }
        #expect(try BrokerConfig(text: "node.id=1\nnum.replica.fetchers=4").warnings.count == 1)
    }
}
