import Grid
import Observatory
import Primitives
import Testing

@testable import Console

extension Sample {
    static let connectTrace =
        "org.apache.kafka.connect.errors.ConnectException: Tolerance exceeded\n\tat org.example.Sink.put(Sink.java:230)\n"
        + "Caused by: java.sql.SQLException: \u{1B}[31mno such table\u{1B}[0m: orders"

    static func connector(
        _ name: String, _ type: String, _ state: String, tasks: [String], _ config: [(String, String)] = [],
        on cluster: String = "connect-1:8083"
    ) -> ConnectorSnapshot {
        var out = ConnectorSnapshot(ConnectorName(cluster, name))
        (out.type, out.state, out.worker) = (type, state, "10.0.0.1:8083")
        out.tasks = tasks.enumerated().map {
            .init(id: $0, state: $1, worker: "10.0.0.\($0 % 2 + 1):8083", trace: $1 == "FAILED" ? connectTrace : nil)
        }
        out.config = (config + [("connector.class", "org.example.jdbc.Jdbc\(type == "sink" ? "Sink" : "Source")Connector")])
            .sorted { $0.0 < $1.0 }.map { ConfigValue($0.0, $0.1) }
        return out
    }

    static let connectors: [ConnectorSnapshot] = [
        connector(
            "billing", "sink", "RUNNING", tasks: ["RUNNING", "FAILED", "RUNNING"],
            [
                ("consumer.override.group.id", "billing"), ("topics", "orders"), ("connection.password", "hunter2"),
                ("connection.url", "jdbc:postgresql://app:pw@db/orders"), ("key.converter", "${file:/etc/secrets:converter}"),
                ("note", "two\nlines"),
            ]),
        connector("cdc-shop", "source", "PAUSED", tasks: ["PAUSED"]), connector("archive", "sink", "STOPPED", tasks: []),
        connector("lost", "source", "FAILED", tasks: []), connector("new", "", "UNASSIGNED", tasks: ["UNASSIGNED"]),
    ]

    @discardableResult
    static func connect(_ driver: Driver, isAwayToo: Bool = false) -> Driver {
        var one = ConnectReading(cluster: "connect-1:8083")
        one.connectors = .success(connectors)
        guard isAwayToo else { return driver.send(.connect(.read([one]))) }
        var two = ConnectReading(cluster: "connect-2:8083")
        two.connectors = .failure(ConsoleFailure("connect-2:8083: it does not answer."))
        return driver.send(.connect(.read([one, two])))
    }
}

/// Kafka Connect, as somebody comes to it.
@Suite struct ConnectStories {
    private func driver(_ keys: String = "J", readOnly: Bool = false) -> Driver {
        Sample.connect(Driver(width: 120, height: 40, readOnly: readOnly).press(keys))
    }

    private func planned(_ driver: Driver) -> ConnectChange? {
        for case .plan(_, .connect(let change)) in driver.takeRequests() { return change }
        return nil
    }

    private let billing = ConnectorName("connect-1:8083", "billing")

    @Test func connectorsAreAskedForWhileAViewShowsThem() {
        let driver = Driver(width: 120, height: 40).press("J").expectPlace(.connectors).expectRequest(.connect).expect("Asking Connect.")
        Sample.connect(driver).expect("billing").expect("✗ failed").expect("~ paused").expect("2/3").expect("JdbcSinkConnector")
        _ = driver.takeRequests()
        driver.milliseconds += 5_000
        driver.send(.snapshot(Sample.busy())).expectRequest(.connect)
        driver.press("3")
        _ = driver.takeRequests()
        driver.milliseconds += 60_000
        Sample.connect(driver).send(.snapshot(Sample.busy()))
        #expect(!driver.takeRequests().contains(.connect), "elsewhere nobody asks")
    }

    @Test func withoutAConnectItSaysHowToNameOne() {
        let driver = Driver(width: 120, height: 40).press("J").send(.connect(.noConnect)).expect("--connect URL").expect("connect.url")
        _ = driver.takeRequests()
        driver.milliseconds += 60_000
        driver.send(.snapshot(Sample.busy()))
        #expect(!driver.takeRequests().contains(.connect))
    }

    @Test func oneThatIsAwayKeepsWhatWasSeenOfIt() {
        let driver = driver()
        var away = ConnectReading(cluster: "connect-1:8083")
        away.connectors = .failure(ConsoleFailure("connect-1:8083: connection refused."))
        driver.send(.connect(.read([away]))).expect("billing").expect("connection refused")
    }

    @Test func theSinksLagIsThatOfItsConsumers() {
        let lag = Sample.busy().group("billing")?.lag.map { Format.count($0) } ?? "?"
        let row = driver().text.split(separator: "\n").first { $0.contains("billing") && $0.contains("sink") }
        #expect(row?.contains(lag) == true, "\(row ?? "") has no \(lag)")
    }

    @Test func tasksTheirFailureAndTheConfig() {
        let driver = driver("J").press("/").type("billing").press("enter enter").expectPlace(.connector(billing))
        driver.expect("Tolerance exceeded").press("down enter").expect("no such table").expect("TASK 1").expect("WHY IT FAILED")
        driver.expect("(hidden)").expect("${file:/etc/secrets:converter}")
        #expect(!driver.text.contains("hunter2") && !driver.text.contains("app:pw") && !driver.text.contains("\u{1B}"))
    }

    @Test func everyKeyIsAPlan() {
        let driver = driver().press("/").type("billing").press("enter")
        for (key, change) in [
            ("p", ConnectChange.pause(billing)), ("u", .resume(billing)), ("s", .stop(billing)), ("R", .restart(billing, .everything)),
            ("F", .restart(billing, .failed)), ("ctrl-d", .delete(billing)),
        ] {
            #expect(planned(driver.press(key)) == change, "\(key)")
            driver.press("esc")
        }
        driver.press("enter down")
        #expect(planned(driver.press("T")) == .restart(billing, .task(1)))
    }

    @Test func aReadOnlyConsoleHasNoneOfThem() {
        let driver = driver("J", readOnly: true)
        for key in ["p", "u", "s", "R", "F", "E", "n", "ctrl-d"] {
            driver.press(key)
            #expect(planned(driver) == nil && driver.console.overlay == nil, "\(key)")
        }
    }

    @Test func aConfigIsEditedWithItsSecretsHidden() throws {
        let driver = driver().press("/").type("billing").press("enter E")
        let requests = driver.takeRequests()
        let edits = requests.compactMap { if case .edit(let ticket, let text) = $0 { (ticket, text) } else { nil } }
        let (ticket, text) = try #require(edits.first)
        #expect(text.contains("connection.password=(hidden)") && text.contains("note=two\\nlines") && !text.contains("hunter2"))
        driver.send(.edited(ticket: ticket, .success(text))).expect("Unchanged")
        driver.press("E")
        let again = driver.takeRequests().compactMap { if case .edit(let ticket, _) = $0 { ticket } else { nil } }
        driver.send(.edited(ticket: try #require(again.first), .success(text.replacing("topics=orders", with: "topics=orders,refunds"))))
        guard case .configure(billing, let values)? = planned(driver) else {
            Issue.record("no plan")
            return
        }
        #expect(values.contains(ConfigValue("topics", "orders,refunds")) && values.contains(ConfigValue("connection.password", "hunter2")))
        #expect(values.contains(ConfigValue("note", "two\nlines")) && values.count == Sample.connectors[0].config.count)
    }

    @Test func aTextThatIsNoConfigIsSaid() throws {
        #expect(throws: ConsoleFailure("Line 2: a stands there twice.")) { try ConnectorText.read("a=1\na=2\n") }
        #expect(throws: ConsoleFailure("An empty config is none.")) { try ConnectorText.read("# nothing\n\n") }
        #expect(throws: ConsoleFailure.self) { try ConnectorText.read("password=(hidden)\n") }
        #expect(throws: ConsoleFailure.self) { try ConnectorText.read("{\"a\": 1}\n") }
        let hard = [ConfigValue("a b:c=d", " leading # and \\ and =\ttab\r\n"), ConfigValue("#x", "")]
        #expect(try ConnectorText.read(ConnectorText.write(hard)) == hard.sorted { $0.name < $1.name })
    }

    @Test func aNewOneIsMadeFromAFile() throws {
        let driver = driver().press("n").expect("Create a connector").press("tab tab").type("sink.properties").press("enter")
        let reads = driver.takeRequests().compactMap { if case .readFile(let ticket, let name) = $0 { (ticket, name) } else { nil } }
        let (ticket, name) = try #require(reads.first)
        driver.send(.file(ticket: ticket, name: name, .success("name=fresh\nconnector.class=X\ntopics=a\n")))
        guard case .create(let id, let config)? = planned(driver) else {
            Issue.record("no plan")
            return
        }
        #expect(id == ConnectorName("connect-1:8083", "fresh"))
        #expect(config == [ConfigValue("connector.class", "X"), ConfigValue("topics", "a")])
    }

    @Test func secretsAreKnownByTheirKeys() {
        for key in ["connection.password", "aws.secret.access.key", "sasl.jaas.config", "github.token", "ssl.key.passphrase", "auth.sas"] {
            #expect(ConnectSecrets.isSecret(key, "x"), "\(key)")
        }
        let open = [
            ("topics", "a"), ("connection.password", "${env:PW}"), ("connection.password", ""), ("gasoline", "x"), ("u", "a://b/c@d:e"),
        ]
        for (key, value) in open {
            #expect(!ConnectSecrets.isSecret(key, value), "\(key)")
        }
        #expect(ConnectSecrets.isSecret("connection.url", "jdbc:postgresql://app:pw@db/x"))
    }
}
