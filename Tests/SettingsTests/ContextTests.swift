import Primitives
import Testing

@testable import Settings

/// Contexts as people write them, and as other programs do.
@Suite struct ContextTests {
    @Test func aContextKnowsWhereEverySettingStands() throws {
        let text = """
            contexts:
              prod:
                color: red
                read-only: true
                properties:
                  bootstrap.servers: [a:9092, b:9092]
                  sasl.password: ${env:PASSWORD}
              dev:
                properties-file: dev.properties
            """
        let contexts = try ContextFile.parseMany(text, path: "c.yaml")
        #expect(contexts.map(\.name) == ["prod", "dev"])
        #expect(contexts[0].isReadOnly && contexts[0].color == Setting("red", SettingOrigin("c.yaml", 3)))
        #expect(contexts[0].settings["bootstrap.servers"] == Setting("a:9092,b:9092", SettingOrigin("c.yaml", 6)))
        #expect(contexts[0].settings["sasl.password"]?.origin.description == "c.yaml:7")
        #expect(contexts[1].propertiesFile == Setting("dev.properties", SettingOrigin("c.yaml", 9)) && !contexts[1].isReadOnly)
    }

    @Test(arguments: [
        ("contexts:\n  a:\n    colour: red\n", 3, "a context has no colour"),
        ("contexts:\n  a: {}\n  a: {}\n", 3, "a is there twice"),
        ("contexts:\n  a b: {}\n", 2, "a context's name"),
        ("contexts:\n  a:\n    read-only: maybe\n", 3, "read-only is to be true or false"),
        ("contexts:\n  a:\n    masks: perhaps\n", 3, "masks is to be required or optional"),
        ("contexts:\n  a:\n    approval:\n      count: 2\n", 3, "approval wants signers"),
        ("contexts:\n  a:\n    approval:\n      signers: s\n      count: 0\n", 5, "count is to be a number from 1 to 20"),
        ("contexts:\n  a:\n    approval: {signer: s}\n", 3, "approval has no signer"),
        ("contexts: [\n", 2, ""),
        ("contexts:\n  a:\n    properties: text\n", 3, "properties is to be a map"),
    ])
    func mistakesAreToldWithTheirLine(text: String, line: Int, message: String) {
        #expect { try ContextFile.parseMany(text, path: "c.yaml") } throws: { error in
            guard let failure = error as? YAML.Failure else { return false }
            return failure.line == line && failure.message.contains(message)
        }
    }

    @Test func whoHasToAgreeIsRead() throws {
        let text = "approval:\n  signers: /etc/signers\n  count: 3\n  as: alice\n"
        let rule = try #require(try ContextFile.parseOne(text, name: "a", path: "a.yaml").approval)
        #expect(rule.signers == "/etc/signers" && rule.count == 3 && rule.maker == "alice" && rule.origin.description == "a.yaml:1")
        let least = try ContextFile.parseOne("approval: {signers: s}", name: "a", path: "a.yaml").approval
        #expect(least?.count == 1 && least?.maker == nil)
        #expect(try ContextFile.parseOne("read-only: true", name: "a", path: "a.yaml").approval == nil)
    }

    @Test func anImportedContextReadsBackAsItWas() throws {
        var spec = ContextSpec(name: "x", origin: SettingOrigin("there"))
        spec.set("bootstrap.servers", "h:1", 1)
        spec.set("sasl.password", "a\"b\\c: #\n\u{1}é'", 2)
        spec.notes = ["A note."]
        let back = try ContextFile.parseOne(ContextFile.text(of: spec, imported: "kaf"), name: "x", path: "x.yaml")
        #expect(back.settings.map { [$0.key, $0.value.value] } == spec.settings.map { [$0.key, $0.value.value] })
    }

    @Test func secretsAreNamedNotWritten() {
        #expect(SecretText("plain").parts == [.text("plain")] && !SecretText("plain").namesSecret)
        #expect(SecretText("a${env:X}b").parts == [.text("a"), .environment("X"), .text("b")])
        #expect(SecretText("${file:/run/s}").parts == [.file("/run/s")])
        #expect(SecretText("${file:/run/s.properties:key}").parts == [.property(file: "/run/s.properties", key: "key")])
        #expect(SecretText("${command:pass show 'my kafka'}").parts == [.command(["pass", "show", "my kafka"])])
        // What names nothing is what it is: a password may have any character.
        for text in ["${", "${env}", "${nothing:x}", "a$b{c}", "${env:}", "${command:'}", "$${x}"] {
            #expect(SecretText(text).parts == [.text(text)], "\(text)")
        }
        #expect(SecretText("${env:A}${command:pass x}").sources == ["environment A", "command pass"])
        for key in ["sasl.password", "sasl.jaas.config", "ssl.key.password", "ssl.keystore.key", "sasl.oauthbearer.token"] {
            #expect(SecretText.isSecret(key))
        }
        #expect(!SecretText.isSecret("sasl.mechanism") && !SecretText.isSecret("kastellan.oauthbearer.token.command"))
    }

    @Test func commandsAreWordsAndNoShell() {
        #expect(CommandWords.split("a 'b c' \"d e\" f\\ g $HOME | x") == ["a", "b c", "d e", "f g", "$HOME", "|", "x"])
        #expect(CommandWords.split("a ''") == ["a", ""])
        #expect(CommandWords.split("a 'b") == nil && CommandWords.split("") == [])
    }
}

/// Configurations of kaf, kafkactl, rpk and kcat.
@Suite struct OtherProgramTests {
    private func values(_ spec: ContextSpec?) -> [String: String] {
        var out: [String: String] = [:]
        for (key, setting) in spec?.settings ?? OrderedMap() { out[key] = setting.value }
        return out
    }

    @Test func kaf() throws {
        let text = """
            current-cluster: prod
            clusters:
            - name: local
              version: ""
              brokers:
              - localhost:9092
              SASL: null
              TLS: null
              security-protocol: ""
            - name: prod
              brokers: [b1:9093, b2:9093]
              SASL:
                mechanism: SCRAM-SHA-512
                username: alice
                password: geheim
              TLS:
                cafile: /etc/ca.pem
                insecure: true
              security-protocol: SASL_SSL
            """
        let contexts = try OtherProgram.kaf.contexts(text, path: "/k")
        #expect(contexts.map(\.name) == ["local", "prod"])
        #expect(values(contexts.first) == ["bootstrap.servers": "localhost:9092"])
        #expect(
            values(contexts.last) == [
                "bootstrap.servers": "b1:9093,b2:9093", "security.protocol": "SASL_SSL", "sasl.mechanism": "SCRAM-SHA-512",
                "sasl.username": "alice", "sasl.password": "geheim", "ssl.ca.location": "/etc/ca.pem",
                "enable.ssl.certificate.verification": "false",
            ])
        #expect(contexts[1].settings["sasl.password"]?.origin == SettingOrigin("/k", 15))
    }

    @Test func kafkactl() throws {
        let text = """
            contexts:
              default:
                brokers: localhost:9092
              remote:
                brokers:
                - r1:9093
                clientID: ops
                tls: {enabled: true, ca: ca.pem, cert: c.pem, certKey: k.pem, insecure: false}
                sasl:
                  enabled: true
                  mechanism: oauth
                  tokenprovider:
                    plugin: generic
                    options: {script: /bin/token, args: [-u, ops]}
            current-context: default
            """
        let contexts = try OtherProgram.kafkactl.contexts(text, path: "/k")
        #expect(values(contexts.first) == ["bootstrap.servers": "localhost:9092"])
        let remote = values(contexts.last)
        #expect(remote["security.protocol"] == "SASL_SSL" && remote["sasl.mechanism"] == "OAUTHBEARER")
        #expect(remote["ssl.ca.location"] == "ca.pem" && remote["ssl.certificate.location"] == "c.pem")
        #expect(remote["ssl.key.location"] == "k.pem" && remote["client.id"] == "ops")
        #expect(CommandWords.split(remote["kastellan.oauthbearer.token.command"] ?? "") == ["/bin/token", "-u", "ops"])
    }

    @Test func rpk() throws {
        let text = """
            version: 6
            current_profile: local
            profiles:
                - name: local
                  kafka_api:
                    brokers: [127.0.0.1:19092]
                - name: cloud
                  kafka_api:
                    brokers: [seed.example.net:9092]
                    tls: {}
                    sasl: {user: me, password: pw, mechanism: SCRAM-SHA-256}
            """
        let contexts = try OtherProgram.rpk.contexts(text, path: "/r")
        #expect(values(contexts.first) == ["bootstrap.servers": "127.0.0.1:19092"])
        #expect(values(contexts.last)["security.protocol"] == "SASL_SSL" && values(contexts.last)["sasl.username"] == "me")
    }

    @Test func kcat() throws {
        let text = "# comment\nmetadata.broker.list = k:9092\nsecurity.protocol=sasl_ssl\nsasl.password=a\\b=c \n"
        let context = try OtherProgram.kcat.contexts(text, path: "/c").first
        #expect(
            values(context) == ["bootstrap.servers": "k:9092", "security.protocol": "sasl_ssl", "sasl.password": "a\\b=c"])
        #expect(context?.settings["sasl.password"]?.origin.line == 4)
    }

    @Test(arguments: OtherProgram.allCases) func nonsenseIsRefusedOrEmpty(program: OtherProgram) {
        let texts = ["", "- 1\n- 2\n", "text", "clusters: 1\nprofiles: 1\ncontexts: 1\n", "clusters: [1, {}]\nprofiles: [{}, {name: x}]\n"]
        for text in texts {
            let found = try? program.contexts(text, path: "/x")
            #expect(found?.allSatisfy { $0.settings.isEmpty } ?? true)
        }
    }
}
