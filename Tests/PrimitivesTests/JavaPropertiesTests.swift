import Primitives
import Testing

@Suite struct JavaPropertiesTests {
    private func pairs(_ text: String) throws -> [String] { try JavaProperties.parse(text).map { "\($0.key)=\($0.value)" } }

    @Test(arguments: [
        ("a=b", ["a=b"]), ("a = b", ["a=b"]), ("a:b", ["a=b"]), ("a b", ["a=b"]), ("a", ["a="]), ("a=", ["a="]), ("=b", ["=b"]),
        ("  a=b  ", ["a=b  "]), ("# a=b\n! c=d\n\n  \ne=f", ["e=f"]), ("a=b\r\nc=d\r\n", ["a=b", "c=d"]),
        ("a=1,\\\n   2,\\\n\t3", ["a=1,2,3"]), ("a=b\\\\\nc=d", ["a=b\\", "c=d"]), ("a=b\\", ["a=b"]), ("a\\=b=c", ["a=b=c"]),
        ("a\\ b=c", ["a b=c"]), ("a=\\u0041\\u00e9", ["a=Aé"]), ("a=\\ud83d\\ude00", ["a=😀"]), ("a=x\\ty\\nz\\q", ["a=x\ty\nzq"]),
        ("a=b=c:d", ["a=b=c:d"]), ("a=b # no comment", ["a=b # no comment"]), ("", []), ("a=1\na=2", ["a=1", "a=2"]),
        ("listeners=PLAINTEXT://:9092,CONTROLLER://localhost:9093", ["listeners=PLAINTEXT://:9092,CONTROLLER://localhost:9093"]),
        ("é=ü", ["é=ü"]), ("# c \\\na=b", ["a=b"]),
    ])
    func syntax(_ text: String, _ expected: [String]) throws { #expect(try pairs(text) == expected) }

    @Test(arguments: ["a=b\nc=\\u00", "a=b\nc=\\u00g1", "x=y\n\\u+123=b", "a=b\nc=\\u"])
    func badEscape(_ text: String) { #expect(throws: JavaProperties.BadEscape(line: 2)) { try JavaProperties.parse(text) } }

    @Test func linesAreCounted() throws {
        #expect(try JavaProperties.parse("# one\na=\\\nb\n\nc=d").map(\.line) == [2, 5])
    }
}
