import Grid
import Observatory
import Primitives
import Testing

@testable import Console

extension Sample {
    static func connection(
        _ broker: Int32, _ number: UInt64, _ clientID: String, _ software: (String, String) = ("", ""), host: String = "10.0.0.7"
    ) -> ClientConnection {
        var row = ClientConnection(number: number)
        (row.broker, row.clientID, row.host, row.port) = (BrokerID(broker), clientID, host, Int32(40_000 + number))
        (row.softwareName, row.softwareVersion, row.listener) = (software.0, software.1, "SASL_SSL")
        row.since = Timestamp(milliseconds: noon.milliseconds - Int64(number) * 61_000)
        return row
    }

    /// What the brokers count so many milliseconds after noon.
    static func census(at milliseconds: Int64, _ connections: [ClientConnection]) -> ClientCensus {
        let now = Now(
            instant: Instant(nanoseconds: milliseconds * 1_000_000), wall: Timestamp(milliseconds: noon.milliseconds + milliseconds))
        return ClientCensus(time: now, connections: connections, silent: milliseconds > 0 ? [3] : [])
    }

    static func connections(_ second: Int64) -> [ClientConnection] {
        func busy(
            _ row: ClientConnection, _ api: Int16, _ rate: Int64, in bytesIn: Int64, out: Int64, idle: Int64 = 40
        ) -> ClientConnection {
            var row = row
            (row.requests, row.bytesIn, row.bytesOut) = (9000 + rate * second, 1 << 20 + bytesIn * second, 1 << 22 + out * second)
            row.uses = [.init(api: api, count: row.requests - 3), .init(api: 3, count: 2), .init(api: 18, count: 1)]
            row.uses.sort { $0.api < $1.api }
            (row.lastAPI, row.idleMs) = (api, idle)
            return row
        }
        let rdkafka = ("librdkafka", "2.12.1")
        var producer = busy(connection(1, 4, "shop", rdkafka), 0, 120, in: 480_000, out: 9_000)
        producer.principal = Principal(name: "shop")
        producer.producerIDs = [4001]
        (producer.throttles, producer.throttledMs, producer.isThrottled) = (17, 5400, true)
        var twin = busy(connection(2, 9, "shop", rdkafka), 0, 80, in: 310_000, out: 6_000)
        twin.principal = producer.principal
        var reader = busy(connection(2, 5, "billing-1", ("apache-kafka-java", "4.1.0"), host: "10.0.0.8"), 1, 2, in: 300, out: 790_000)
        (reader.principal, reader.groups) = (Principal(name: "billing"), ["billing"])
        var idle = busy(connection(1, 31, "", ("kafka-python", "3.0.12"), host: "fe80::1c2d"), 3, 0, in: 0, out: 0, idle: 75_000)
        idle.transactionalIDs = ["nightly-export"]
        var node = busy(connection(1, 2, "broker-2", host: "10.0.0.2"), 1, 4, in: 800, out: 96_000)
        (node.isNode, node.listener) = (true, "CONTROLLER")
        return [producer, twin, reader, idle, node]
    }

    @discardableResult
    static func clients(_ driver: Driver) -> Driver {
        driver.type("clients").press("enter").send(.clients(.census(census(at: 0, connections(0)))))
        return driver.send(.clients(.census(census(at: 2000, connections(2)))))
    }

    @discardableResult
    static func inferredClients(_ driver: Driver) -> Driver {
        var snapshot = administered()
        let written = [TopicPartition("clicks", 0), TopicPartition("clicks", 1)]
        snapshot.admin.writers[88] = PartitionWriter(
            producerID: 88, lastTimestamp: Timestamp(milliseconds: noon.milliseconds - 65_000), partitions: written)
        snapshot.admin.writersSeen = Observation(time: noon)
        return driver.send(.snapshot(snapshot)).send(.clients(.foreign))
    }
}

/// Who is connected, as somebody looks for it.
@Suite struct ClientStories {
    private func driver() -> Driver { Driver(width: 120, height: 40).press(":") }

    @Test func theyAreAskedForWhileAViewShowsThem() {
        let driver = Driver(width: 120, height: 40).press("V").expectPlace(.clients).expectRequest(.clients)
        driver.expect("Looking who is there")
        driver.send(.clients(.census(Sample.census(at: 0, Sample.connections(0))))).expect("as the brokers count")
        _ = driver.takeRequests()
        // With the next picture of the cluster, when it is time.
        driver.send(.snapshot(Sample.busy()))
        #expect(!driver.takeRequests().contains(.clients))
        driver.milliseconds += 5_000
        driver.send(.snapshot(Sample.busy())).expectRequest(.clients)
        driver.send(.snapshot(Sample.busy()))
        #expect(driver.takeRequests().count { $0 == .clients } == 1, "one question at a time")
        driver.press("3")
        driver.milliseconds += 5_000
        driver.send(.clients(.census(Sample.census(at: 9000, [])))).send(.snapshot(Sample.busy()))
        #expect(!driver.takeRequests().contains(.clients), "elsewhere nobody asks")
    }

    @Test func aRowForEachClientOrForEachConnection() {
        let driver = Sample.clients(driver())
        driver.expect("4 connections, as the brokers count; silent: 3").expect("librdkafka 2.12.1").expect("! throttled").expect("(none)")
        #expect(driver.console.tables[0].count == 3 && !driver.text.contains("broker-2"))
        driver.press("f")
        #expect(driver.console.tables[0].model.rows.contains { $0.cells.contains { $0.text == "10.0.0.7:40004" } })
        #expect(driver.console.tables[0].count == 4)
        driver.press("0").expect("broker-2").expect("a node")
        driver.press("f")
        #expect(driver.console.tables[0].count == 4, "nodes stay shown")
        driver.press("!").expect("shop")
        #expect(driver.console.tables[0].count == 1, "only who is throttled")
    }

    @Test func aClientHasItsAPIsGroupsAndConnections() {
        let driver = Sample.clients(driver()).press("/").type("billing").press("enter enter")
        driver.expect("apache-kafka-java 4.1.0").expect("User:billing").expect("Groups            billing").expect("Fetch").expect("9,001")
        driver.press("esc esc esc").press(":").type("clients shop").press("enter enter").expect("17 times").expect("and now").expect("4001")
        driver.send(.clients(.census(Sample.census(at: 9000, [])))).expect("It is not connected any more.")
    }

    @Test func onAClusterOfOthersItIsInferredAndSaysSo() {
        let driver = Driver(Sample.administered(), width: 120, height: 40).press("V")
        Sample.inferredClients(driver).expect("inferred: this cluster tells no connections").expect("group member").expect("producer id")
        _ = driver.takeRequests()
        driver.milliseconds += 60_000
        driver.send(.snapshot(Sample.administered()))
        #expect(!driver.takeRequests().contains(.clients), "who cannot tell is not asked again and again")
        let member = driver.console.tables[0].model.rows.first { $0.id.hasPrefix("group member") }
        guard case .group? = member?.target else {
            Issue.record("a member leads to its group: \(String(describing: member))")
            return
        }
    }

    /// Who counts connections need not be asked who has groups and producers: neither before the first count nor after it.
    @Test func aClusterOfOurOwnIsNotAskedForWhatItsBrokersCount() {
        let driver = Driver(width: 120, height: 40).send(.chaos(Sample.conditions)).press("V")
        driver.send(.clients(.census(Sample.census(at: 0, Sample.connections(0)))))
        let watched = driver.takeRequests().compactMap { if case .watch(let interest) = $0 { interest.screen } else { nil } }
        #expect(watched.last == .quorum && !watched.contains(.clients))
        let foreign = Driver(width: 120, height: 40).press("V").send(.clients(.foreign))
        foreign.expectRequest(.watch(Interest(.clients)))
    }
}
