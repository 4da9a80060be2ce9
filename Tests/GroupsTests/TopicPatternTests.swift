import Testing

@testable import Groups

@Suite struct TopicPatternTests {
    private func matches(_ pattern: String, _ name: String) throws -> Bool { try TopicPattern(pattern).matches(name) }

    @Test(arguments: [
        ("topic", "topic", true), ("topic", "topics", false), ("topic.*", "topics", true), ("^topic.*", "topic-1", true),
        ("(^topic.*)|(^other$)", "other", true), ("(^topic.*)|(^other$)", "another", false), (".*", "", true), ("", "", true),
        ("", "a", false), ("a|b|c", "b", true), ("(a|b)+c?", "ababc", true), ("a{2}", "aa", true), ("a{2}", "aaa", false),
        ("a{2,}", "aaaa", true), ("a{1,3}", "aaaa", false), ("a{,3}", "a{,3}", true), ("a{x", "a{x", true), ("[a-c]+", "abc", true),
        ("[^a-c]+", "xyz", true), ("[^a-c]+", "xaz", false), ("[]a]+", "]a", true), ("[a-]+", "a-", true), ("[\\d_]+", "1_2", true),
        ("[[:alpha:]]+", "abc", true), ("[[:^alpha:]]+", "123", true), ("\\d+", "42", true), ("\\D+", "4a", false),
        ("\\w+\\.\\w+", "a.b", true), ("a.b", "a.b", true), ("a\\.b", "axb", false), ("(?i)TOPIC", "topic", true),
        ("(?i:A)b", "ab", true), ("(?i:A)b", "aB", false), ("(?:ab)*", "abab", true), ("(?P<x>a)b", "ab", true),
        ("\\Qa.b\\E.", "a.bc", true),
        ("\\x41\\x{42}", "AB", true), ("a.*?b", "axxb", true), ("\\Aab\\z", "ab", true), ("a$b", "ab", false),
        ("\\bfoo\\b.*", "foo-x", true),
        ("\\bfoo\\b.*", "foox", false), ("(a*)*", "aaaa", true), ("(|a)+", "aaa", true), ("日本.", "日本語", true),
    ])
    func aNameMatchesOrNot(_ pattern: String, _ name: String, _ expected: Bool) throws {
        #expect(try matches(pattern, name) == expected)
    }

    @Test(arguments: [
        ("(", "missing closing )"), (")", "unexpected )"), ("[a", "missing closing ]"),
        ("*a", "missing argument to repetition operator: *"),
        ("a**", "invalid nested repetition operator"), ("a\\", "trailing backslash at end of expression"),
        ("(?=a)", "invalid or unsupported Perl syntax"), ("\\1", "invalid escape sequence: \\1"), ("a{1001}", "invalid repeat count"),
        ("[z-a]", "invalid character class range"), ("[[:nope:]]", "invalid character class range"),
    ])
    func whatIsNoExpressionIsRefusedWithItsReason(_ pattern: String, _ reason: String) {
        #expect(throws: TopicPattern.Invalid(reason: reason)) { try TopicPattern(pattern) }
    }

    /// Expressions that take a backtracking matcher for ever, and repetitions that would fill memory.
    @Test func noExpressionIsExponential() throws {
        let name = String(repeating: "a", count: 240)
        #expect(try !matches("(a+)+b", name))
        #expect(try !matches("(a|aa)+b", name))
        #expect(try matches("(a?){240}(a){240}", name))
        #expect(throws: TopicPattern.Invalid.self) { try TopicPattern("((a{1000}){1000}){1000}") }
        #expect(throws: TopicPattern.Invalid.self) { try TopicPattern("(((){1000}){1000}){1000}") }
        #expect(throws: TopicPattern.Invalid.self) { try TopicPattern(String(repeating: "(", count: 5_000)) }
        #expect(throws: TopicPattern.Invalid.self) { try TopicPattern(String(repeating: "a", count: 20_000)) }
    }
}
