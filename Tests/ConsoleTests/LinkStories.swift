import Grid
import Primitives
import Testing

@testable import Console

/// Links from what is selected into a browser, as templates of the user's say.
@Suite struct LinkStories {
    private func link(_ url: String, in contexts: [KeyContext] = [.table, .tail, .message], name: String = "ui") -> LinkTemplate? {
        try? LinkTemplate.parse(name: name, url: url, contexts: contexts).get()
    }

    /// A name changes nothing but its own place in the address.
    @Test func valuesAreFilledInAndEncoded() throws {
        let template = try #require(link("https://ui/${context}/t/${topic}?p=${partition}&o=${offset}&t=${timestamp}#$x"))
        let fields: [Console.Field] = [
            ("context", "prod eu"), ("topic", "a/b?\u{FC}&#\u{1B}"), ("partition", "3"), ("offset", "42"), ("timestamp", "17"),
        ]
        #expect(try template.address(fields).get() == "https://ui/prod%20eu/t/a%2Fb%3F%C3%BC%26%23%1B?p=3&o=42&t=17#$x")
        #expect(throws: ConsoleFailure.self) { try template.address([]).get() }
    }

    @Test(arguments: [
        "", "ui/${topic}", "javascript:alert(1)", "https://", "https://ui/${key}", "file:///${topic}", "https://u i/", "https://ui/\u{1B}",
    ])
    func whatIsNoLinkIsRefused(text: String) { #expect(link(text) == nil) }

    @Test func aKeyOpensTheOnlyOne() throws {
        let driver = Driver(width: 100, height: 30).press("3 down down down ctrl-o").expect("No links are set")
        driver.console.options.links = [try #require(link("https://ui/${topic}?l=${column.lag}", in: [.topics]))]
        driver.press("ctrl-o").expectRequest(.openLink(name: "ui", address: "https://ui/orders?l=22%2C500"))
        driver.press("4 ctrl-o").expect("No link belongs to this view")
    }

    @Test func ofSeveralOneIsNamed() throws {
        let driver = Driver(width: 100, height: 30).press("4")
        driver.console.options.links = [
            try #require(link("https://one/${group}", name: "one")), try #require(link("https://two/${group}", name: "second one")),
        ]
        driver.press("ctrl-o").type("sec").press("tab enter")
        driver.expectRequest(.openLink(name: "second one", address: "https://two/billing"))
        driver.press(":").type("link three").press("enter").expect("No link three here; there are one, second one.")
        driver.press("5 ctrl-o").expect("link").press("esc").press(":").type("link one").press("enter").expect("there is no group here")
    }

    @Test func aMessageHasItsOffset() throws {
        let driver = Driver(width: 100, height: 30).press("3 down down down l")
        driver.console.options.links = [try #require(link("https://ui/${topic}/${partition}/${offset}"))]
        driver.send(.tail(TailUpdate(session: 1, messages: [Sample.message(0, 7, key: "k", value: Bytes("v"))])))
        driver.press("ctrl-o").expectRequest(.openLink(name: "ui", address: "https://ui/orders/0/7"))
        driver.press("enter ctrl-o")
        #expect(driver.takeRequests().last == .openLink(name: "ui", address: "https://ui/orders/0/7"))
    }
}
