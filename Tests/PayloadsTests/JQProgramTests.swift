import Primitives
import Testing

@testable import Payloads

/// libjq over messages.
@Suite struct JQProgramTests {
    private func run(_ text: String, _ value: Bytes?, key: Bytes? = Bytes("alice")) throws -> [JQProgram.Output] {
        let program = try JQProgram(text)
        return try program.run(
            JQProgram.Input(
                topic: "orders", partition: 3, offset: 41, timestamp: 1_795_257_000_000, key: key, value: value,
                headers: [("trace", Bytes("t-1")), ("none", nil)])
        ).get()
    }

    @Test(arguments: [
        (".amount > 100", [JQProgram.Output.bool(true)]), (".amount < 100", [.bool(false)]),
        ("{id, amount}", [.json("{\"id\":7,\"amount\":250}")]),
        (".items[]", [.string("a"), .string("b")]), ("select(.amount > 1000)", []), (".missing", [.null]), ("$partition", [.json("3")]),
        ("$key + \"/\" + $topic", [.string("alice/orders")]), ("$headers.trace", [.string("t-1")]), ("$headers.none", [.null]),
        (".amount # a comment", [.json("250")]), ("$offset == 41 and $timestamp > 1e12", [.bool(true)]),
    ])
    func programs(text: String, outputs: [JQProgram.Output]) throws {
        #expect(try run(text, Bytes("{\"id\":7,\"amount\":250,\"items\":[\"a\",\"b\"]}")) == outputs)
    }

    @Test func whatIsNoJSONIsAString() throws {
        #expect(try run("ascii_upcase", Bytes("plain text")) == [.string("PLAIN TEXT")])
        #expect(try run("type", nil) == [.string("null")])
        #expect(try run("type", .empty) == [.string("string")])
        #expect(try run(".", Bytes([0xFF, 0x41])) == [.string("\u{FFFD}A")])
        // Two documents are not one.
        #expect(try run("type", Bytes("{} {}")) == [.string("string")])
        // Keys are parsed as values are.
        #expect(try run("$key.n", Bytes("1"), key: Bytes("{\"n\":5}")) == [.json("5")])
    }

    @Test(arguments: [".a |", "foo(1)", "{", ") | (", "$nothing"])
    func whatDoesNotCompileSaysWhy(text: String) {
        do {
            _ = try JQProgram(text)
            Issue.record("compiled: \(text)")
        } catch {
            #expect(!error.message.isEmpty && !error.message.contains("\n"), "\(error.message)")
        }
    }

    @Test func aProgramThatDoesNotFitAMessageSaysWhyAndGoesOn() throws {
        let program = try JQProgram(".a.b")
        let bad = JQProgram.Input(topic: "t", partition: 0, offset: 0, timestamp: 0, key: nil, value: Bytes("[1]"))
        var good = bad
        good.value = Bytes("{\"a\":{\"b\":1}}")
        guard case .failure(let failure) = program.run(bad) else { return #expect(Bool(false)) }
        #expect(failure.message.contains("array"))
        #expect(try program.run(good).get() == [.json("1")])
    }

    @Test func whatOneMessagePutsOutIsBounded() throws {
        #expect(try run("range(1000000000)", nil).count == JQProgram.outputsMax)
    }

    @Test func deepJSONIsAStringNotACrash() throws {
        let deep = Bytes(String(repeating: "[", count: 100_000))
        #expect(try run("type", deep) == [.string("string")])
        let closed = Bytes(String(repeating: "[", count: 5000) + String(repeating: "]", count: 5000))
        #expect(try run("type", closed) == [.string("string")])
    }
}
