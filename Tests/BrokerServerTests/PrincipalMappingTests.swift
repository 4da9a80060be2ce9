import Primitives
import Testing

@testable import BrokerServer

/// Rules as Kafka's documentation of `ssl.principal.mapping.rules` has them.
@Suite struct PrincipalMappingTests {
    private let subject = "CN=Duke,OU=ServiceUsers,O=Org,L=Town,ST=State,C=DE"

    @Test func withoutRulesTheNameIsTakenWhole() throws {
        for text in [nil, "", "  ", "DEFAULT"] as [String?] { #expect(try PrincipalMapping(text).name(of: subject) == subject) }
    }

    @Test func theFirstRuleThatFitsNamesTheUser() throws {
        let rules =
            #"RULE:^CN=(.*?),OU=ServiceUsers.*$/$1/,RULE:^CN=(.*?),OU=(.*?),O=(.*?)$/$1@$2/L, "#
            + #"RULE:^.*[Cc][Nn]=([a-zA-Z0-9.]*).*$/$1/U,DEFAULT"#
        let mapping = try PrincipalMapping(rules)
        #expect(mapping.name(of: subject) == "Duke")
        #expect(mapping.name(of: "CN=Duke,OU=Admins,O=Org") == "duke@admins")
        #expect(mapping.name(of: "O=Org,CN=duke.x,C=DE") == "DUKE.X")
        #expect(mapping.name(of: "O=Org") == "O=Org")
        #expect(try PrincipalMapping("RULE:^CN=(.*)$/$1/").name(of: "O=Org") == nil)
    }

    @Test func aSlashInAPatternIsEscaped() throws {
        #expect(try PrincipalMapping(#"RULE:^CN=(.*)\/(.*)$/$2\/$1/"#).name(of: "CN=a/b") == "b/a")
    }

    @Test func whatIsNoRuleIsRefused() {
        for text in ["RULE:", "RULE:a", "RULE:a/b", "RULE:(/b/", "DEFAULT DEFAULT", "OTHER", "RULE:a/b/X"] {
            #expect(throws: PrincipalMappingError.self, "\(text)") { try PrincipalMapping(text) }
        }
    }
}
