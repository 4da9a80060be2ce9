import Grid
import Observatory
import Primitives
import Testing

@testable import Console

extension Sample {
    static func orderSchema(_ fields: [(String, String)]) -> [String] {
        var lines = ["{", "  \"type\": \"record\",", "  \"name\": \"Order\",", "  \"fields\": ["]
        for (index, field) in fields.enumerated() {
            lines.append("    {\"name\": \"\(field.0)\", \"type\": \"\(field.1)\"}\(index < fields.count - 1 ? "," : "")")
        }
        return lines + ["  ]", "}"]
    }

    static let orderVersions: [SchemaVersion] = {
        let fields = [("id", "long"), ("customer", "string"), ("amount", "double"), ("placed", "long"), ("note", "string")]
        return [fields.prefix(3).map { $0 }, fields.prefix(4).map { $0 }, Array(fields.suffix(4))].enumerated().map { index, fields in
            let lines = orderSchema(fields)
            return SchemaVersion(
                number: index + 1, id: 101 + index * 7, format: "AVRO", lines: lines, source: lines.joined(separator: "\n"),
                references: index == 2 ? ["common-money 4"] : [])
        }
    }()

    static let schemaSubjects: [SchemaSubject] = {
        func subject(_ name: String, _ format: String, _ versions: Int, _ id: Int, _ rule: String, own: Bool = false) -> SchemaSubject {
            var subject = SchemaSubject(name)
            subject.details = .init(format: format, versions: versions, latest: versions, id: id, compatibility: rule, hasOwnRule: own)
            return subject
        }
        var lost = SchemaSubject("legacy-value")
        lost.problem = "the registry answers 500"
        return [
            subject("clicks-key", "JSON", 1, 7, "BACKWARD"), subject("common-money", "PROTOBUF", 4, 44, "FULL_TRANSITIVE", own: true), lost,
            subject("orders-value", "AVRO", 3, 115, "BACKWARD"), subject("payments-value", "AVRO", 12, 230, "NONE", own: true),
        ]
    }()

    static func schemas(_ driver: Driver) {
        driver.send(.schemas(.subjects(.success(schemaSubjects.map(\.name) + ["unread-value"])))).send(.schemas(.details(schemaSubjects)))
    }

    static func versions(_ driver: Driver) {
        schemas(driver)
        driver.press("down down down enter").send(.schemas(.versions("orders-value", .success(orderVersions))))
    }
}

/// The schema registry, as somebody comes to it.
@Suite struct SchemaStories {
    private func driver(_ keys: String = "W", readOnly: Bool = false) -> Driver {
        let driver = Driver(width: 120, height: 40, readOnly: readOnly).press(keys)
        Sample.schemas(driver)
        return driver
    }

    private func planned(_ driver: Driver) -> SchemaChange? {
        for case .plan(_, .schema(let change)) in driver.takeRequests() { return change }
        return nil
    }

    @Test func subjectsAreAskedForAndThenWhatIsOnTheScreen() {
        let driver = Driver(width: 120, height: 40).press("W").expectPlace(.schemas).expectRequest(.schemas(.subjects))
        driver.expect("Asking the registry").send(.schemas(.subjects(.success((0..<60).map { "s-\(padded($0, 2))" }))))
        let first = (0..<20).map { "s-\(padded($0, 2))" }
        driver.expectRequest(.schemas(.details(first)))
        // One question at a time: the next when this one is answered.
        #expect(driver.takeRequests().count { if case .schemas(.details) = $0 { true } else { false } } == 1)
        driver.press("down down")
        #expect(!driver.takeRequests().contains { if case .schemas = $0 { true } else { false } })
        driver.send(.schemas(.details(first.map { name in
            var subject = SchemaSubject(name)
            subject.details = .init(format: "AVRO", versions: 1, latest: 1, id: 1, compatibility: "BACKWARD", hasOwnRule: false)
            return subject
        })))
        #expect(driver.takeRequests().contains { if case .schemas(.details(let names)) = $0 { names.first == "s-20" } else { false } })
    }

    @Test func withoutARegistryItSaysHowToNameOne() {
        Driver(width: 120, height: 40).press("W").send(.schemas(.noRegistry)).expect("--registry URL").expect("schema.registry.url")
    }

    @Test func aRegistryThatRefusesIsSaid() {
        let driver = driver().send(.schemas(.subjects(.failure(ConsoleFailure("the registry refuses who we are (401).")))))
        driver.expect("refuses who we are").expect("orders-value")
    }

    @Test func versionsTextAndDifference() {
        let driver = Driver(width: 120, height: 40).press("W")
        Sample.versions(driver)
        driver.expectPlace(.schema("orders-value")).expectRequest(.schemas(.versions("orders-value"))).expectRows(["3", "2", "1"])
        driver.expect("+2 -2 lines").expect("the first").expect("common-money 4")
        driver.press("enter").expectPlace(.schemaText("orders-value", 3)).expect("\"note\"").press("esc")
        driver.press("D").expectPlace(.schemaDiff("orders-value", 2, 3)).expect("-    {\"name\": \"id\"").expect("+    {\"name\": \"note\"")
        driver.press("esc space down space").press("D").expectPlace(.schemaDiff("orders-value", 1, 3)).press("esc")
        driver.press("ctrl-\\ G D").expect("Version 1 is the first.")
    }

    @Test func changesArePlans() {
        let driver = driver().press("down down down")
        driver.press("ctrl-d")
        #expect(planned(driver) == .deleteSubject("orders-value"))
        driver.press("esc m").press("right right enter")
        #expect(planned(driver) == .setCompatibility(subject: "orders-value", level: "BACKWARD_TRANSITIVE"))
        driver.press("esc").press("m enter")
        #expect(planned(driver) == .setCompatibility(subject: "orders-value", level: nil))
        driver.press("esc n").press("enter enter").type("no/such.avsc").press("enter enter")
        driver.expectRequest(.readFile(ticket: 4, name: "no/such.avsc"))
        driver.send(.file(ticket: 4, name: "no/such.avsc", .success("\"int\"")))
        #expect(planned(driver) == .register(subject: "orders-value", format: "AVRO", text: "\"int\""))
    }

    @Test func whatIsEditedIsTheNextVersion() {
        let driver = Driver(width: 120, height: 40).press("W")
        Sample.versions(driver)
        driver.press("e")
        let text = Console.indented(Sample.orderVersions[2].source) + "\n"
        #expect(text.hasPrefix("{\n  \"type\": \"record\",\n  \"name\": \"Order\",\n  \"fields\": [\n    {\n      \"name\": \"customer\","))
        #expect(Console.indented("{\"a\":[],\"b\":\"{,\\\"[\"}") == "{\n  \"a\": [],\n  \"b\": \"{,\\\"[\"\n}")
        driver.expectRequest(.edit(ticket: 1, text)).send(.edited(ticket: 1, .success(text))).expect("Unchanged")
        driver.press("e").send(.edited(ticket: 2, .success("\"long\"")))
        #expect(planned(driver) == .register(subject: "orders-value", format: "AVRO", text: "\"long\""))
        // What was registered is read anew.
        driver.send(.planFinished(ticket: 3, PlanOutcome(title: "x", verdict: .done, lines: ["Version 4 of orders-value, id 9."])))
        driver.expectRequest(.schemas(.versions("orders-value"))).press("enter")
        let more = Sample.orderVersions + [SchemaVersion(number: 4, id: 9, format: "AVRO", lines: ["\"long\""], source: "\"long\"")]
        driver.send(.schemas(.versions("orders-value", .success(more)))).expectRows(["4", "3", "2", "1"])
    }

    @Test func readOnlyHasNoChanges() {
        let driver = driver(readOnly: true)
        driver.press("ctrl-d n m").expect("Read-only")
        #expect(driver.console.overlay == nil)
    }

    @Test func anotherClusterHasAnotherRegistry() {
        let driver = driver()
        _ = driver.console.enterContext(name: "other", bootstrap: ["b:1"], mode: .writable, hasColor: false, now: driver.now)
        driver.press("W").expect("Asking the registry").expectNot("orders-value")
    }

    @Test func hostileSubjectsAreEscaped() {
        let driver = Driver(width: 120, height: 40).press("W")
        driver.send(.schemas(.subjects(.success(["\u{1B}[2Jx\u{202E}"])))).press("enter")
        driver.send(
            .schemas(
                .versions(
                    "\u{1B}[2Jx\u{202E}",
                    .success([SchemaVersion(number: 1, id: 1, format: "\u{9B}", lines: ["\u{1B}]0;x\u{7}"], source: "")]))))
        driver.press("enter")
        let bad = driver.text.unicodeScalars.filter { scalar in
            scalar.value < 0x20 && scalar != "\n" || (0x7F..<0xA0).contains(scalar.value) || scalar.value == 0x202E
        }
        #expect(bad.isEmpty)
    }
}
