import Testing

@testable import Reactor

@Suite struct HTTPClientTests {
    @Test func addresses() throws {
        let client = try HTTPClient("http://alice:p%40ss@[::1]:8081/registry/")
        #expect(client.host == "::1" && client.port == 8081 && !client.isSecure && client.prefix == "/registry")
        #expect(try HTTPClient("https://example.org").port == 443)
        for bad in ["ftp://x", "http://", "http://x:0", "http://x:99999", "x"] {
            #expect(throws: HTTPClient.Failure.self) { try HTTPClient(bad) }
        }
        do {
            _ = try HTTPClient("ftp://alice:secret@host")
        } catch {
            #expect(!error.message.contains("secret"))
        }
    }

    @Test(arguments: [("", ""), ("f", "Zg=="), ("fo", "Zm8="), ("foo", "Zm9v"), ("alice:wonder", "YWxpY2U6d29uZGVy")])
    func base64(text: String, encoded: String) { #expect(HTTPClient.base64(Array(text.utf8)) == encoded) }

    @Test func chunks() {
        func read(_ text: String) -> String? { HTTPClient.unchunked(Array(text.utf8)).map { String(decoding: $0, as: UTF8.self) } }
        #expect(read("3\r\nabc\r\n2;x=y\r\nde\r\n0\r\n\r\n") == "abcde")
        for bad in ["", "3\r\nab", "x\r\n", "ffffffffffffffff\r\n", "-1\r\n", "3\r\nabc\r\n"] { #expect(read(bad) == nil, "\(bad)") }
    }
}
