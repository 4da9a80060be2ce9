import Grid
import Primitives
import Testing

@testable import Console

/// Tab in a tail's filter: what was typed before, prefixes, headers, and the fields of the messages on the screen.
@Suite struct CompletionStories {
    private func tailing(_ values: [String]) -> Driver {
        let driver = Driver(width: 100, height: 30).press("3 down down down l")
        let messages = values.enumerated().map { place, value in
            Sample.message(
                0, Int64(place), key: "k\(place)", value: Bytes(value), headers: [TailMessage.Header("trace-id", Bytes("1"))])
        }
        return driver.send(.tail(TailUpdate(session: 1, messages: messages)))
    }

    private func typed(_ driver: Driver) -> String {
        if case .prompt(let prompt)? = driver.console.overlay { prompt.field.text } else { "" }
    }

    private let order = #"{"id":7,"order":{"total":3.5,"lines":[{"sku":"a","with-dash":1}]},"other id":null}"#

    @Test(arguments: [
        ("k", "k:"), ("ts", "ts:"), ("i", "is:"), ("is:", "is:tombstone"), ("is:b", "is:binary"), ("!is:t", "!is:tombstone"),
        ("k:a h", "k:a h:"), ("h:tr", "h:trace-id"), ("t:o", "t:orders"), ("zzz", "zzz"), ("| .", "| .id"), ("| .or", "| .order"),
        ("| .order", "| .order.total"), ("| .order.li", "| .order.lines"), ("| .order.lines[]", "| .order.lines[].sku"),
        ("| .order.lines[].w", "| .order.lines[].w"), ("| .order.lines[].\"w", "| .order.lines[].\"with-dash\""),
        ("k:a | select(.ot", "k:a | select(.ot"), ("| .\"o", "| .\"other id\""), ("| .id > 3 and .order.t", "| .id > 3 and .order.total"),
        ("| $headers.i", "| $headers.i"), ("| (.order).t", "| (.order).t"), ("| id", "| id"),
    ])
    func tabCompletes(text: String, completed: String) {
        let driver = tailing(["plain", order, "{\"broken"]).press("/").type(text).press("tab")
        #expect(typed(driver) == completed)
    }

    @Test func whatWasTypedBeforeIsOfferedFirst() {
        let driver = tailing([order]).press("/").type("k:alice | .id == 7").press("enter / ctrl-u").type("k:a").press("tab")
        #expect(typed(driver) == "k:alice | .id == 7")
        driver.press("ctrl-u up")
        #expect(typed(driver) == "k:alice | .id == 7")
        // Lists of other things have filters too, and no fields.
        let list = Driver().press("3 /").type("k").press("tab")
        #expect(typed(list) == "k")
    }

    @Test func fieldsAreTakenFromWhateverBytes() {
        #expect(FieldPaths.of(Bytes("[{\"a\":1},{\"b\":[2]}]")) == [".[].a", ".[].b"])
        #expect(FieldPaths.of(Bytes("{\"a\":{\"b\":\"}\\\"\",\"c\":{}},\"d\":[],\"a\":1} rest")) == [".a", ".a.b", ".a.c", ".d"])
        #expect(FieldPaths.of(Bytes(String(repeating: "{\"a\":", count: 1000))).count == FieldPaths.depthMax)
        #expect(FieldPaths.of(Bytes("{" + (0..<1000).map { "\"k\($0)\":1" }.joined(separator: ",") + "}")).count == FieldPaths.pathsMax)
        var random = PRNG(seed: 8)
        let pieces = ["{", "}", "[", "]", "\"a\"", "\"", ":", ",", "1", "\\", " "]
        for _ in 0..<20_000 { _ = FieldPaths.of(Bytes((0..<random.below(12)).map { _ in random.pick(pieces) }.joined())) }
    }
}
