import ClientCore
import Testing

@Suite struct ServerAddressTests {
    @Test func addressesAreRead() {
        #expect(ServerAddress("host:9093") == ServerAddress(host: "host", port: 9093))
        #expect(ServerAddress("host") == ServerAddress(host: "host", port: 9092))
        #expect(ServerAddress("PLAINTEXT://host:1") == ServerAddress(host: "host", port: 1))
        #expect(ServerAddress("[::1]:9094") == ServerAddress(host: "::1", port: 9094))
        #expect(ServerAddress("[::1]")?.description == "[::1]:9092")
        #expect(ServerAddress.list("a:1, b:2 ,c")?.map(\.description) == ["a:1", "b:2", "c:9092"])
    }

    @Test(arguments: ["", ":9092", "host:", "host:0", "host:65536", "host:x", "[::1", "a:1:2"]) func nonsenseIsRefused(text: String) {
        #expect(ServerAddress(text) == nil)
        #expect(ServerAddress.list(text) == nil)
    }
}
