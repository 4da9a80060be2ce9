import Primitives
import Testing
import Wire

@testable import Controller

/// The standard authorizer's rules.
@Suite struct AuthorizerTests {
    private let authorizer = Authorizer(superUsers: ["User:admin"], allowsUnmentioned: false)
    private let alice = AccessSubject(Principal(name: "alice"), host: "10.0.0.1")
    private let bob = AccessSubject(Principal(name: "bob"), host: "10.0.0.2")

    /// `type name [prefixed] principal host operation allow|deny`, a line each.
    private func list(_ lines: String...) -> AccessList {
        var list = AccessList()
        for (number, line) in lines.enumerated() {
            let words = line.split(separator: " ").map(String.init)
            let type = ResourceType.allCases.first { $0.text == words[0] }!
            let operation = AccessOperation.allCases.first { $0.text == words[4] }!
            let isPrefix = words[1].hasSuffix("...")
            let pattern = ResourcePattern(type, isPrefix ? String(words[1].dropLast(3)) : words[1], isPrefix ? .prefixed : .literal)
            let entry = AccessEntry(
                pattern, principal: words[2], host: words[3], operation, words[5] == "ALLOW" ? .allow : .deny)
            list.insert(entry, id: UUID(high: 1, low: UInt64(number)))
        }
        return list
    }

    private func may(
        _ operation: AccessOperation, _ name: String, _ subject: AccessSubject, _ list: AccessList, _ type: ResourceType = .topic
    ) -> Bool { authorizer.isAllowed(operation, type, name, subject, list) }

    @Test func nobodyMayWhatNobodyAllows() {
        let list = list()
        #expect(!may(.read, "t", alice, list))
        #expect(may(.read, "t", AccessSubject(Principal(name: "admin"), host: "10.0.0.9"), list), "but a super user may")
        let open = Authorizer(superUsers: [], allowsUnmentioned: true)
        #expect(open.isAllowed(.read, .topic, "t", alice, list), "and everybody, where the settings say so")
    }

    @Test func whatIsMentionedIsNoLongerOpen() {
        let open = Authorizer(superUsers: [], allowsUnmentioned: true)
        let list = list("TOPIC t User:alice * READ ALLOW", "TOPIC logs-... User:alice * READ ALLOW")
        #expect(!open.isAllowed(.read, .topic, "t", bob, list))
        #expect(!open.isAllowed(.read, .topic, "logs-1", bob, list))
        #expect(open.isAllowed(.read, .topic, "other", bob, list))
    }

    @Test func aDenialDecidesWhereverItStands() {
        let list = list(
            "TOPIC t User:alice * ALL ALLOW", "TOPIC t... User:alice * WRITE DENY", "TOPIC * User:bob * READ DENY",
            "TOPIC t User:bob * READ ALLOW")
        #expect(may(.read, "t", alice, list))
        #expect(!may(.write, "t", alice, list))
        #expect(!may(.read, "t", bob, list))
    }

    @Test func hostsAndEverybody() {
        let list = list("TOPIC t User:* 10.0.0.1 READ ALLOW", "TOPIC t User:alice 10.0.0.1 WRITE ALLOW", "TOPIC t User:bob * WRITE ALLOW")
        #expect(may(.read, "t", alice, list))
        #expect(!may(.read, "t", bob, list))
        #expect(may(.write, "t", bob, list))
        #expect(!may(.write, "t", AccessSubject(Principal(name: "alice"), host: "10.0.0.3"), list))
    }

    @Test func literalPrefixedAndAll() {
        let list = list("TOPIC logs-... User:alice * READ ALLOW", "GROUP * User:alice * READ ALLOW", "TOPIC a User:alice * READ ALLOW")
        #expect(may(.read, "logs-", alice, list))
        #expect(may(.read, "logs-web", alice, list))
        #expect(!may(.read, "logs", alice, list))
        #expect(!may(.read, "alpha", alice, list))
        #expect(may(.read, "any group", alice, list, .group))
        #expect(!may(.read, "any topic", alice, list))
    }

    @Test func prefixesOfEveryLengthAreFound() {
        let list = list(
            "TOPIC a... User:bob * READ ALLOW", "TOPIC abc... User:alice * READ ALLOW", "TOPIC abcdef... User:alice * READ DENY")
        #expect(may(.read, "abcd", alice, list))
        #expect(!may(.read, "abcdefg", alice, list))
        #expect(may(.read, "ab", bob, list))
    }

    @Test func whatAllowsMoreAllowsToDescribe() {
        for operation in ["READ", "WRITE", "DELETE", "ALTER"] {
            #expect(may(.describe, "t", alice, list("TOPIC t User:alice * \(operation) ALLOW")), "\(operation)")
            let denied = list("TOPIC t User:alice * \(operation) DENY", "TOPIC t User:alice * DESCRIBE ALLOW")
            #expect(may(.describe, "t", alice, denied), "to deny \(operation) does not deny to describe")
        }
        #expect(!may(.describe, "t", alice, list("TOPIC t User:alice * CREATE ALLOW")))
        #expect(may(.describeConfigs, "t", alice, list("TOPIC t User:alice * ALTER_CONFIGS ALLOW")))
        #expect(!may(.describeConfigs, "t", alice, list("TOPIC t User:alice * READ ALLOW")))
        #expect(!may(.describe, "t", alice, list("TOPIC t User:alice * ALL DENY", "TOPIC t User:alice * DESCRIBE ALLOW")))
    }

    @Test func anywhere() {
        func anywhere(_ list: AccessList, _ subject: AccessSubject? = nil) -> Bool {
            authorizer.isAllowedAnywhere(.write, .topic, subject ?? alice, list)
        }
        #expect(!anywhere(list()))
        #expect(anywhere(list(), AccessSubject(Principal(name: "admin"), host: "h")))
        #expect(anywhere(list("TOPIC t User:alice * WRITE ALLOW")))
        #expect(!anywhere(list("TOPIC t User:alice * WRITE ALLOW"), bob))
        #expect(!anywhere(list("TOPIC t User:alice * WRITE ALLOW", "TOPIC * User:* * ALL DENY")))
        #expect(!anywhere(list("TOPIC tab User:alice * WRITE ALLOW", "TOPIC ta... User:alice * WRITE DENY")))
        #expect(anywhere(list("TOPIC ta... User:alice * WRITE ALLOW", "TOPIC tab User:alice * WRITE DENY")))
        #expect(anywhere(list("TOPIC * User:alice * WRITE ALLOW", "TOPIC tab User:alice * WRITE DENY")))
        #expect(!anywhere(list("GROUP t User:alice * WRITE ALLOW")))
    }

    @Test func filters() {
        let list = list(
            "TOPIC t User:alice * READ ALLOW", "TOPIC t... User:alice * READ ALLOW", "TOPIC * User:bob * READ DENY",
            "GROUP t User:alice * READ ALLOW")
        func count(_ change: (inout AccessFilter) -> Void) -> Int {
            var filter = AccessFilter()
            change(&filter)
            return list.matching(filter).count
        }
        #expect(count { _ in } == 4)
        #expect(count { $0.type = .topic } == 3)
        #expect(count { $0.name = "t" } == 3)
        #expect(count { ($0.name, $0.patternType) = ("t", .literal) } == 2)
        #expect(count { ($0.type, $0.name, $0.patternType) = (.topic, "table", .match) } == 2)
        #expect(count { ($0.type, $0.name, $0.patternType) = (.topic, "t", .match) } == 3)
        #expect(count { $0.principal = "User:bob" } == 1)
        #expect(count { $0.permission = .deny } == 1)
        #expect(count { $0.operation = .write } == 0)
    }

    @Test func removalLeavesNothingBehind() {
        var list = list("TOPIC t... User:alice * READ ALLOW", "TOPIC t... User:alice * WRITE ALLOW")
        list.remove(UUID(high: 1, low: 0))
        #expect(!may(.read, "t", alice, list))
        #expect(may(.write, "t", alice, list))
        list.remove(UUID(high: 1, low: 1))
        #expect(list == AccessList())
    }
}
