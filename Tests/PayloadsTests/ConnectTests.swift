import Primitives
import Synchronization
import Testing

@testable import Payloads

@Suite struct ConnectTests {
    /// One that answers each path with a status and a text, and notes what it was asked.
    private final class Scripted: Sendable {
        let asked = Mutex<[String]>([])
        let answers: [String: (Int, String)]
        init(_ answers: [String: (Int, String)]) { self.answers = answers }
        var cluster: ConnectCluster {
            ConnectCluster(name: "c:1") { [self] method, path, body in
                asked.withLock { $0.append("\(method) \(path)" + (body.map { " \($0)" } ?? "")) }
                let (status, text) = answers["\(method) \(path)"] ?? (404, "{\"message\":\"Connector x not found\"}")
                return .success((status, Array(text.utf8)))
            }
        }
    }

    @Test func connectorsComeWithStatusAndConfigInOneRequest() throws {
        let failed = "{\"id\":1,\"state\":\"FAILED\",\"worker_id\":\"w:2\",\"trace\":\"boom\\n\\tat x\"}"
        let task = failed + ",{\"id\":0,\"state\":\"RUNNING\",\"worker_id\":\"w:1\"}"
        let status = "{\"name\":\"b\",\"connector\":{\"state\":\"RUNNING\",\"worker_id\":\"w:1\"},\"tasks\":[\(task)],\"type\":\"SINK\"}"
        let text = "{\"b\":{\"status\":\(status),\"info\":{\"config\":{\"topics\":\"t\",\"n\":3}}},\"a\":{\"info\":{\"type\":\"source\"}}}"
        let found = try Scripted(["GET /connectors?expand=status&expand=info": (200, text)]).cluster.connectors()
        #expect(found.map(\.name) == ["a", "b"] && found.map(\.type) == ["source", "sink"])
        #expect(found[1].tasks.map(\.id) == [0, 1] && found[1].tasks[1].part.trace == "boom\n\tat x")
        #expect(found[1].config["n"] == "3" && found[1].config["topics"] == "t")
        #expect(found[0].part.state == "" && found[0].tasks.isEmpty, "what is not told is not made up")
    }

    @Test func namesAreEncodedAndRefusalsAreSaid() throws {
        let script = Scripted(["PUT /connectors/a%2Fb%20c/pause": (202, ""), "DELETE /connectors/x": (500, "{\"message\":\"disk\"}")])
        try script.cluster.set("a/b c", .pause)
        #expect(script.asked.withLock { $0 } == ["PUT /connectors/a%2Fb%20c/pause"])
        #expect(throws: ConnectFailure("c:1 answers 500: disk")) { try script.cluster.delete("x") }
        #expect(throws: ConnectFailure("Connector x not found")) { try script.cluster.restart("x", task: 3) }
        #expect(throws: ConnectFailure("c:1 refuses who we are (401)")) {
            try Scripted(["GET /connectors?expand=status&expand=info": (401, "<html>")]).cluster.connectors()
        }
        #expect(try script.cluster.connector("x") == nil)
        let html = Scripted(["GET /connectors?expand=status&expand=info": (200, "<html>")])
        #expect(throws: ConnectFailure.self) { try html.cluster.connectors() }
        let list = Scripted(["GET /connectors?expand=status&expand=info": (200, "[\"a\"]")])
        #expect(throws: ConnectFailure.self) { try list.cluster.connectors() }
    }

    @Test func thePluginIsAskedByItsShortName() throws {
        let fine = "{\"value\":{\"name\":\"x\",\"errors\":[]}}"
        let answer = "{\"error_count\":1,\"configs\":[{\"value\":{\"name\":\"topics\",\"errors\":[\"missing\"]}},\(fine)]}"
        let script = Scripted(["PUT /connector-plugins/Sink/config/validate": (200, answer)])
        var config = OrderedMap<String, String>()
        #expect(try script.cluster.objections(to: config) == ["connector.class is missing."])
        config["connector.class"] = "org.example.Sink"
        #expect(try script.cluster.objections(to: config) == ["topics: missing"])
        config["connector.class"] = "Other"
        #expect(try script.cluster.objections(to: config) == ["No plugin is called Other on the worker that was asked."])
    }

    @Test func aFileIsAConfigWithItsNameOrWithout() throws {
        let (name, config) = try ConnectCluster.parse("{\"name\":\"n\",\"config\":{\"a\":\"1\",\"b\":true}}")
        #expect(name == "n" && config.keys == ["a", "b"] && config["b"] == "true")
        let flat = try ConnectCluster.parse("{\"name\":\"n\",\"a\":2}")
        #expect(flat.name == "n" && flat.config["a"] == "2")
        #expect(throws: ConnectFailure.self) { try ConnectCluster.parse("[]") }
        #expect(throws: ConnectFailure.self) { try ConnectCluster.parse("{\"a\":{\"b\":1}}") }
    }
}
