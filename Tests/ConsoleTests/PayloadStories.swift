import Grid
import Primitives
import Testing

@testable import Console

/// XML in a message's view; formats that a tail takes values for.
@Suite struct PayloadStories {
    private func lines(_ text: String) -> [String]? { XMLPretty.lines(text) }

    @Test func xmlIsIndented() {
        #expect(
            lines(
                "<?xml version=\"1.0\"?><order id='7'  paid = \"yes\"><to>Ann &amp; Bob</to><!-- late --><lines><line/>"
                    + "<line n=\"2\"/></lines></order>\n")
                == [
                    "<?xml version=\"1.0\"?>", "<order id='7' paid=\"yes\">", "  <to>Ann &amp; Bob</to>", "  <!-- late -->", "  <lines>",
                    "    <line/>", "    <line n=\"2\"/>", "  </lines>", "</order>",
                ])
        #expect(lines("<a>x<b>y</b> z\n z</a>") == ["<a>", "  x", "  <b>y</b>", "  z z", "</a>"])
        #expect(lines("<a><![CDATA[<x>]]></a >") == ["<a><![CDATA[<x>]]></a>"])
        #expect(lines("<!DOCTYPE a [<!ENTITY b \">\">]><a></a>") == ["<!DOCTYPE a [<!ENTITY b \">\">]>", "<a></a>"])
        #expect(lines("\u{FEFF}<ns:a xmlns:ns=\"u:v\">ü</ns:a>") == ["<ns:a xmlns:ns=\"u:v\">ü</ns:a>"])
    }

    @Test(arguments: [
        "", "<", "<a", "<a>", "</a>", "<a></b>", "<a/><b/>", "<a/>text", "text<a/>", "<a b></a>", "<a b=c></a>", "<a b=\"<\"/>", "<1/>",
        "<a><b></a></b>",
        "<!-- a --", "<a><!-- --></a", "<![CDATA[x]]>", "<!DOCTYPE a", "<a/><!DOCTYPE a>", "a < b and c > d", "<3 you",
        "<a b=\"\" c\"\"/>", "<>x</>",
    ])
    func whatIsNoXMLIsLeftAlone(text: String) { #expect(lines(text) == nil) }

    @Test func depthIsBoundedAndAnyBytesAreReadOrLeftAlone() {
        func nested(_ depth: Int) -> String {
            String(repeating: "<a>", count: depth) + "x" + String(repeating: "</a>", count: depth)
        }
        #expect(lines(nested(64))?.count == 127)
        #expect(lines(nested(65)) == nil)
        var random = PRNG(seed: 4)
        let pieces = [
            "<a>", "</a>", "<b c=\"d\"/>", "<!--", "-->", "<![CDATA[", "]]>", "<?", "?>", "<!DOCTYPE", "[", "]", ">", "'", "\"", "=",
            " ", "ü", "x",
        ]
        var indented = 0
        for _ in 0..<20_000 {
            let text = "<a>" + (0..<random.below(8)).map { _ in random.pick(pieces) }.joined() + "</a>"
            if lines(text) != nil { indented += 1 }
        }
        #expect(indented > 100)
    }

    private func tailing(_ values: [Bytes]) -> Driver {
        let driver = Driver(width: 100, height: 30)
        driver.console.tools.read = { message, format in
            guard format == .cbor, let value = message.value, value.string == nil else { return }
            (message.decodedValue, message.decoding, message.isRead) = (Bytes("{\"cbor\":\(value.count)}"), "the value as CBOR", true)
        }
        driver.press("3 down down down l")
        let messages = values.enumerated().map { Sample.message(0, Int64($0.offset), key: "k\($0.offset)", value: $0.element) }
        return driver.send(.tail(TailUpdate(session: 1, messages: messages)))
    }

    @Test func aMessageOfXMLIsShownInLines() {
        let driver = tailing([Bytes("<order><id>7</id><to>Ann</to></order>")])
        driver.expect("<order><id>7</id><to>Ann</to></order>").press("enter").expect("  <id>7</id>").expect("  <to>Ann</to>")
    }

    @Test func valuesAreTakenForAnotherFormatByAKey() {
        var known = Sample.message(0, 9, key: "k", value: Bytes([0xA0, 0xA1]))
        (known.decodedValue, known.decoding) = (Bytes("{\"by\":\"schema\"}"), "the value by schema 1, AVRO")
        let driver = tailing([Bytes([0xA1, 0xFF, 0xFE]), Bytes("plain")])
        driver.send(.tail(TailUpdate(session: 1, messages: [known])))
        driver.expect("3 bytes").press("d").expectRequest(.readTail(session: 1, .messagePack)).expect("Values are taken for MessagePack.")
        driver.press("d").expectRequest(.readTail(session: 1, .cbor)).expect("{\"cbor\":3}").expect("plain").expect("{\"by\":\"schema\"}")
        driver.expect(" cbor ")
        // The filter looks at what is shown, and at what comes.
        driver.press("/").type("cbor").press("enter").expect("{\"cbor\":3}").expectNot("plain").press("esc")
        driver.press("0").expectRequest(.readTail(session: 2, .cbor))
        let again = tailing([Bytes([0xA1, 0xFF, 0xFE])]).press("d d").expect("{\"cbor\":3}").press("d").expect("3 bytes")
        again.expectNot("cbor\":3").press("d").expect("Values are taken for what they look like.")
    }
}
