import Grid
import Observatory
import Primitives
import Testing

@testable import Console

/// The rules of masks, without a screen.
@Suite struct MaskTests {
    static func rule(_ parts: MaskRule.Part..., by way: MaskRule.Way, topics: [MaskRule.Topics] = []) -> MaskRule {
        MaskRule(name: "secret", topics: topics, parts: parts, way: way, origin: "kastellan.yaml:1")
    }

    static func field(_ path: String) -> MaskRule.Part { .valueField(MaskPath(path) ?? MaskPath("never")!) }

    static func book(_ rules: MaskRule...) -> MaskBook { MaskBook(rules) { "\($0.count)d" } }

    private func masked(_ value: String?, key: String? = nil, headers: [(String, String?)] = [], _ rules: MaskRule...) -> TailMessage {
        var message = TailMessage(
            partition: TopicPartition("orders", 0), offset: 1, timestamp: noon, key: key.map { Bytes($0) }, value: value.map { Bytes($0) },
            headers: headers.map { TailMessage.Header($0.0, $0.1.map { Bytes($0) }) })
        MaskBook(rules) { "\($0.count)d" }.mask(&message)
        return message
    }

    @Test(arguments: [
        // What is not masked stays to the sign; blanks go where something is.
        ("card", #"{"card":"4111 1111","sum":1.50}"#, #"{"card":"nnnn nnnn","sum":1.50}"#),
        ("card", #"{ "sum": 1.50 }"#, #"{ "sum": 1.50 }"#),
        // Names are what they mean, not how they are written; twice is twice.
        ("card", #"{"\u0063ard":"a","card":7}"#, #"{"\u0063ard":"x","card":"n"}"#),
        // Arrays have no name; everything inside of what is masked is.
        ("items.card", #"{"items":[{"card":"a"},[{"card":"B"}]],"card":"c"}"#, #"{"items":[{"card":"x"},[{"card":"X"}]],"card":"c"}"#),
        ("who", #"{"who":{"a":["b",1,null,true]}}"#, #"{"who":{"a":["x","n",null,"xxxx"]}}"#),
        ("*.id", #"{"a":{"id":"q"},"id":"r","b":{"c":{"id":"s"}}}"#, #"{"a":{"id":"x"},"id":"r","b":{"c":{"id":"s"}}}"#),
        ("**.id", #"{"a":{"id":"q"},"id":"r","b":{"c":{"id":"s"}}}"#, #"{"a":{"id":"x"},"id":"x","b":{"c":{"id":"x"}}}"#),
        (#""a.b".c"#, #"{"a.b":{"c":"q"},"a":{"b":{"c":"r"}}}"#, #"{"a.b":{"c":"x"},"a":{"b":{"c":"r"}}}"#),
        ("a", #"{"a":"\"Ä\n\\"}"#, #"{"a":"\"X\n\\"}"#),
        ("a", "[]", "[]"), ("a", "7", "7"), ("a", #"{"a":{}}"#, #"{"a":{}}"#),
    ])
    func fieldsByTheirPath(path: String, value: String, wanted: String) {
        let message = masked(value, MaskTests.rule(MaskTests.field(path), by: .letters(keepLast: 0)))
        #expect(message.value == Bytes(wanted), "\(message.value?.lossyString ?? "nil")")
        #expect(value == wanted || message.masking == "fields of the value by secret")
    }

    /// What cannot be taken apart is not shown at all.
    @Test(arguments: [
        "not JSON", #"{"card":"1""#, #"{"card":"1"} {"card":"2"}"#, #"{"a":tru}"#, "\u{0}\u{1}", #"{"a" 1}"#, #""half"#, "[1,]", "-x",
    ])
    func noJSONIsMaskedWhole(value: String) {
        let message = masked(value, MaskTests.rule(MaskTests.field("card"), by: .remove))
        #expect(message.value == Bytes("(masked: no JSON)") && message.masking?.contains("no JSON") == true)
    }

    @Test func depthHasABound() {
        let deep = String(repeating: "[", count: 200) + String(repeating: "]", count: 200)
        #expect(masked(deep, MaskTests.rule(MaskTests.field("a"), by: .remove)).value == Bytes("(masked: no JSON)"))
    }

    @Test func everyWay() {
        let value = #"{"a":"Anna-42","b":[1,2],"c":3}"#
        func after(_ way: MaskRule.Way) -> String? { masked(value, MaskTests.rule(MaskTests.field("a"), by: way)).value?.string }
        #expect(after(.remove) == #"{"b":[1,2],"c":3}"#)
        #expect(after(.replace("*\"*")) == #"{"a":"*\"*","b":[1,2],"c":3}"#)
        #expect(after(.hash) == ##"{"a":"#7d","b":[1,2],"c":3}"##)
        #expect(after(.letters(keepLast: 2)) == #"{"a":"Xxxx-42","b":[1,2],"c":3}"#)
        // Of what is short, half at most stays.
        #expect(after(.letters(keepLast: 100)) == #"{"a":"Xxxx-42","b":[1,2],"c":3}"#)
        let all = masked(value, MaskTests.rule(MaskTests.field("*"), by: .remove))
        #expect(all.value == Bytes("{}"))
    }

    @Test func keysHeadersAndWholeValues() {
        let rules = [
            MaskTests.rule(.key, by: .hash), MaskTests.rule(.value, by: .letters(keepLast: 0)),
            MaskTests.rule(.header("x-user*"), by: .replace("?")), MaskTests.rule(.header("auth"), by: .remove),
        ]
        let headers: [(String, String?)] = [("X-User-Id", "u"), ("Auth", "a"), ("trace", "t"), ("x-user", nil)]
        var message = TailMessage(
            partition: TopicPartition("t", 0), offset: 0, timestamp: noon, key: Bytes("alice"), value: Bytes("Hi 1"),
            headers: headers.map { TailMessage.Header($0.0, $0.1.map { Bytes($0) }) })
        MaskBook(rules) { "\($0.count)d" }.mask(&message)
        #expect(message.key == Bytes("#5d") && message.value == Bytes("Xx n"))
        #expect(message.headers == [.init("X-User-Id", Bytes("?")), .init("trace", Bytes("t")), .init("x-user", nil)])
        #expect(message.masking == "headers by secret, key by secret, value by secret")
    }

    /// Null is told apart from what is masked; bytes that are no text say only how many they are.
    @Test func tombstonesStayAndBytesDoNotShow() {
        #expect(masked(nil, MaskTests.rule(.value, .key, by: .remove)).value == nil)
        #expect(masked(nil, MaskTests.rule(.value, .key, by: .remove)).masking == nil)
        var message = TailMessage(
            partition: TopicPartition("t", 0), offset: 0, timestamp: noon, key: nil, value: Bytes([0xFF, 0xFE]))
        MaskTests.book(MaskTests.rule(.value, by: .letters(keepLast: 0))).mask(&message)
        #expect(message.value == Bytes("(masked: 2 bytes)"))
    }

    /// What a schema made of the bytes is masked, and the bytes are not kept beside it.
    @Test func whatWasDecodedIsMaskedWithItsBytes() {
        var message = TailMessage(
            partition: TopicPartition("t", 0), offset: 0, timestamp: noon, key: nil, value: Bytes([0, 0, 0, 0, 1, 0x42]))
        message.decodedValue = Bytes(#"{"card":"4111"}"#)
        MaskTests.book(MaskTests.rule(MaskTests.field("card"), by: .letters(keepLast: 0))).mask(&message)
        #expect(message.value == Bytes(#"{"card":"nnnn"}"#) && message.decodedValue == nil)
    }

    @Test func onlyTheTopicsThatAreMeant() throws {
        let rule = MaskTests.rule(.value, by: .remove, topics: [.glob("pay*"), .regex(try Pattern("^orders$"))])
        #expect(rule.applies(to: "payments") && rule.applies(to: "orders") && !rule.applies(to: "orders2") && !rule.applies(to: "clicks"))
        #expect(MaskTests.rule(.value, by: .remove).applies(to: "anything"))
    }

    @Test(arguments: ["", "a..b", ".a", "a.", "\"a", String(repeating: "a.", count: 40) + "a"])
    func noPath(text: String) { #expect(MaskPath(text) == nil) }
}

/// Masks as somebody meets them who looks at messages.
@Suite struct MaskStories {
    private func tailing(required: String? = nil, masking: Bool = true) -> Driver {
        let driver = Driver(width: 120, height: 30)
        driver.console.options.masks = MaskTests.book(MaskTests.rule(.value, by: .letters(keepLast: 0), topics: [.glob("orders")]))
        driver.console.options.masksRequiredBy = required
        driver.press("3 down down down l")
        var message = Sample.message(0, 7, key: "k", value: Bytes("Anna 42"))
        if masking { driver.console.options.masks.mask(&message) }
        driver.send(.tail(TailUpdate(session: 1, messages: [message], skipped: 0, isCaughtUp: true)))
        return driver
    }

    @Test func theScreenSaysThatItIsMasked() {
        let driver = tailing().expect("Xxxx nn").expectNot("Anna").expect(" masked ")
        driver.press("c").expect("Copied 1 value, masked.").expectRequest(.copy("Xxxx nn"))
        driver.press("enter").expect("Masked").expect("value by secret").expect("as shown").expectNot("Anna")
        driver.press("x").expectNot("Anna")
        // Topics without masks do not say so.
        Driver(width: 120, height: 30).press("3 down l").expectNot("masked")
    }

    @Test func theyAreTakenAwayOnlyWhereThatIsAllowed() {
        let driver = tailing().press("M")
        var query = TailQuery(session: 2, topic: "orders", start: .last(100))
        query.isUnmasked = true
        driver.expectRequest(.stopTail(session: 1)).expectRequest(.startTail(query)).expect("NOT masked").expect("M masks again")
        query.isUnmasked = false
        query.session = 3
        driver.press("M").expectRequest(.startTail(query)).expectNot("NOT masked")
        let required = tailing(required: "context prod requires masks: contexts.yaml:4")
        _ = required.takeRequests()
        required.press("M").expect("context prod requires masks: contexts.yaml:4").expectNot("NOT masked")
        #expect(required.takeRequests().isEmpty)
    }

    /// What is searched is what is seen: that nothing matches tells nothing of what is behind the masks.
    @Test func searchingIsNoOracle() {
        tailing().press("/").type("Anna").press("enter").expect("None of 1 messages matches")
        tailing().press("/").type("v:^Xxxx").press("enter").expect("Xxxx nn")
    }

    @Test func aMaskIsNeverWritten() {
        for key in ["e", "R"] {
            let driver = tailing()
            _ = driver.takeRequests()
            driver.press(key).expect("would write the masks")
            #expect(driver.takeRequests().isEmpty && driver.console.overlay == nil)
        }
        let plain = tailing(masking: false).press("e")
        #expect(plain.takeRequests().contains { if case .edit = $0 { true } else { false } })
    }
}
