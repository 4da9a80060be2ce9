import ClientCore
import Grid
import Observatory
import Primitives
import Testing

@testable import Console

/// Editing and resending messages, redriving dead letters.
@Suite struct SendStories {
    private func tailing(_ messages: [TailMessage], readOnly: Bool = false) -> Driver {
        let driver = Driver(width: 140, height: 50, readOnly: readOnly).press("3 down down down l")
        return driver.send(.tail(TailUpdate(session: 1, messages: messages)))
    }

    private func letter(_ offset: Int64, from topic: String?) -> TailMessage {
        var headers = [TailMessage.Header("keep", Bytes("me"))]
        if let topic {
            headers += [
                TailMessage.Header("__connect.errors.topic", Bytes(topic)), TailMessage.Header("__connect.errors.partition", Bytes("3")),
                TailMessage.Header("__connect.errors.offset", Bytes("42")),
                TailMessage.Header("__connect.errors.exception.message", Bytes("no \u{1B}[31mschema")),
            ]
        }
        return Sample.message(0, offset, key: "k\(offset)", value: Bytes("letter \(offset)"), headers: headers)
    }

    private func job(_ driver: Driver) -> SendJob? {
        for case .plan(_, .send(let job)) in driver.takeRequests().reversed() { return job }
        return nil
    }

    @Test func aDeadLetterSaysWhereItCameFrom() {
        let driver = tailing([letter(1, from: "orders")]).press("enter").expect("Came from   orders-3 @ 42, a dead letter by Kafka Connect")
        driver.expect("no ^[[31mschema").press("esc R").expect("Redrive").expect("A dead letter by Kafka Connect, from orders-3 @ 42.")
        driver.expect("where each came from")
    }

    @Test func markedLettersGoBackWithoutTheirErrorHeaders() {
        let driver = tailing((0..<5).map { letter($0, from: $0 == 3 ? "clicks" : "orders") }).press("g m down m").press("R").expect(
            "the 2 marked")
        driver.press("tab tab tab tab tab tab enter")
        let job = job(driver)
        guard case .messages(let messages)? = job?.source else { return #expect(Bool(false), "\(driver.text)") }
        #expect(messages.map(\.topic) == ["orders", "orders"] && messages.map(\.key) == [Bytes("k0"), Bytes("k2")])
        #expect(messages[0].headers.map(\.name) == ["keep", SendJob.marker])
        #expect(messages[0].headers.last?.value == Bytes("orders-0@0"))
    }

    @Test func allThatMatchAreReadAgain() {
        let driver = tailing((0..<5).map { letter($0, from: "orders") }).press("/").type("k:k3").press("enter R right").expect(
            "that match the filter")
        driver.press("tab").type("archive").press("tab").type("del(.card)").press("tab").type("50").press("tab tab tab enter")
        let job = job(driver)
        #expect(job?.source == .topics(SendJob.Reading(topics: ["orders"], start: .last(100), stop: .atEnd)))
        #expect(job?.target == .topic("archive") && job?.filter == "k:k3" && job?.transform == "del(.card)" && job?.rate == 50)
        #expect(job?.stripsErrors == true && job?.resumes == false)
    }

    @Test func aTopicIsNotWrittenToItself() {
        let driver = tailing([letter(0, from: "orders")]).press("R right tab").type("orders").press("tab tab tab tab tab enter")
        driver.expect("would be written to itself")
        #expect(job(driver) == nil)
    }

    @Test func whatSaysNoOriginWantsATopic() {
        let driver = tailing([letter(0, from: nil)]).press("R").expect("Send again").press("tab ctrl-u tab tab tab tab tab enter")
        driver.expect("name one")
    }

    @Test func theJobIsCountedShownConfirmedAndCanBeStopped() {
        let driver = tailing((0..<3).map { letter($0, from: "orders") }).press("R right tab tab tab tab tab tab enter").expect(
            "Working out the plan")
        guard case .plan(let ticket, .send(let job))? = driver.takeRequests().last else { return #expect(Bool(false)) }
        var count = SendCount()
        (count.read, count.failed, count.firstFailure, count.withoutOrigin) = (10, 1, "not a number", 2)
        var share = SendCount.Share()
        (share.messages, share.bytes) = (7, 700)
        count.shares["orders"] = share
        driver.send(.planned(ticket: ticket, .success(job.plan(count, command: "kafka-console-consumer.sh"))))
        driver.expect("7 messages, 700 bytes; 10 read").expect("not a number").expect("2 messages say not where they came from")
        driver.press("tab enter")
        #expect(driver.takeRequests().contains { if case .run(ticket, _) = $0 { true } else { false } })
        driver.send(.planProgress(ticket: ticket, "5 of 10 read, 3 written. x stops it.")).expect("3 written")
        driver.press("x").expectRequest(.abort(ticket: ticket))
        driver.send(
            .planFinished(
                ticket: ticket, PlanOutcome(title: "Redrive orders", verdict: .doneButDiffers, lines: ["Stopped before the end."])))
        driver.expect("Stopped before the end.")
    }

    @Test func nothingToWriteIsAnObstacle() {
        let job = SendJob(.topics(SendJob.Reading(topics: ["a"])), to: .topic("b"))
        var count = SendCount()
        #expect(!job.plan(count, command: "").isRunnable)
        count.shares["b"] = SendCount.Share()
        count.shares.update("b") { $0.messages = 1 }
        #expect(job.plan(count, command: "").isRunnable)
        count.missing = ["b"]
        #expect(job.plan(count, command: "").obstacles == ["There is no topic b."])
    }

    @Test func readOnlySendsNothing() {
        let driver = tailing([letter(0, from: "orders")], readOnly: true).press("R").expect("Read-only").press("e")
        guard case .edit(let ticket, let text)? = driver.takeRequests().last else { return #expect(Bool(false)) }
        driver.send(.edited(ticket: ticket, .success(text + "more"))).expect("Read-only")
        #expect(!driver.takeRequests().contains { if case .plan = $0 { true } else { false } })
    }

    @Test func aMessageIsEditedAndPlanned() {
        let driver = tailing([letter(0, from: nil)]).press("e")
        guard case .edit(let ticket, let text)? = driver.takeRequests().last else { return #expect(Bool(false)) }
        #expect(
            text.contains("topic: orders\n") && text.contains("key: k0\n") && text.contains("header: keep=me\n")
                && text.hasSuffix("\n\nletter 0\n"))
        driver.send(.edited(ticket: ticket, .success(text))).expect("Unchanged")
        driver.press("e")
        let changed = text.split(separator: "\n", omittingEmptySubsequences: false).map { $0 == "letter 0" ? "letter zero" : String($0) }
            .joined(
                separator: "\n")
        driver.send(.edited(ticket: ticket + 1, .success(changed)))
        var wanted = NewMessage(topic: "orders", key: Bytes("k0"), value: Bytes("letter zero"))
        wanted.headers = [NewMessage.Header("keep", Bytes("me"))]
        #expect(driver.takeRequests().contains { if case .plan(_, .produce(wanted)) = $0 { true } else { false } })
        driver.press("esc e").send(.edited(ticket: ticket + 3, .failure(ConsoleFailure("vi cannot be started.")))).expect(
            "vi cannot be started.")
    }

    @Test func messagesSurviveTheEditor() throws {
        var binary = NewMessage(topic: "t", partition: 3, key: Bytes([0xFF, 0]), value: Bytes([0, 1, 0xFE]))
        binary.headers = [NewMessage.Header("a", nil), NewMessage.Header("b", Bytes([0x1B])), NewMessage.Header("c=d", Bytes("e"))]
        var text = NewMessage(topic: "t", key: Bytes("k: v"), value: Bytes("# no comment\n\nlast line\n"))
        text.headers = [NewMessage.Header("x", Bytes("1=2"))]
        for message in [text, NewMessage(topic: "t", key: Bytes("gone"), value: nil), NewMessage(topic: "t", value: .empty)] {
            #expect(try MessageText.parse(MessageText.text(message, from: "here")) == message)
        }
        let again = try MessageText.parse(MessageText.text(binary, from: "here"))
        #expect(again.key == binary.key && again.value == binary.value && again.partition == 3 && again.headers.count == 3)
        for bad in ["topic: t\nnonsense\n\nx", "key: k\n\nx", "topic: t\nvalue-is: hex\n\n0g", "topic: t\npartition: -1\n\nx", ""] {
            #expect(throws: ConsoleFailure.self) { try MessageText.parse(bad) }
        }
    }

    @Test func theProduceFormSendsFilesAndCompresses() {
        let driver = Driver(width: 100, height: 30).press("3 down down down p").press("tab").type("hello").press(
            "tab tab tab tab tab right right")
        driver.press("enter")
        let job = job(driver)
        #expect(
            job?.codec == SendJob.codec(named: "snappy") && job?.codec != SendJob.codec(named: nil)
                && job?.source == .messages([NewMessage(topic: "orders", value: Bytes("hello"))]))
        let other = Driver(width: 100, height: 30).press("3 down down down p tab tab tab tab tab").type("lines.txt").press("tab enter")
        guard case .readFile(let ticket, "lines.txt")? = other.takeRequests().last else { return #expect(Bool(false), "\(other.text)") }
        other.send(.file(ticket: ticket, name: "lines.txt", .success("a\tone\ntwo\n")))
        #expect(
            self.job(other)?.source
                == .messages([
                    NewMessage(topic: "orders", key: Bytes("a"), value: Bytes("one")), NewMessage(topic: "orders", value: Bytes("two")),
                ]))
    }

    @Test func deadLetterTopicsAreFound() {
        let pattern = try? Pattern(DeadLetterOrigin.topicPattern)
        for name in [
            "orders.dlq", "orders-dlt", "DLQ.orders", "orders.DLT", "dead-letters", "dead_letter_queue", "orders_error", "x.dead.letter",
        ] {
            #expect(pattern?.matches(name) == true, "\(name)")
        }
        for name in ["orders", "middle", "mirrors", "adltx", "terrors"] { #expect(pattern?.matches(name) == false, "\(name)") }
        Driver(width: 100).press(":").type("dlq").press("enter").expectPlace(.topics)
    }
}

@Suite struct DeadLetterHeaders {
    @Test func springWritesNumbersAsBytes() {
        let origin = DeadLetterOrigin(headers: [
            ("kafka_dlt-original-topic", Bytes("orders")), ("kafka_dlt-original-partition", Bytes([0, 0, 0, 7])),
            ("kafka_dlt-original-offset", Bytes([0, 0, 0, 1, 0, 0, 0, 2])), ("kafka_dlt-exception-fqcn", Bytes("java.lang.Boom")),
        ])
        #expect(origin?.topic == "orders" && origin?.partition == 7 && origin?.offset == 4_294_967_298 && origin?.error == "java.lang.Boom")
        #expect(origin?.writer == "Spring")
    }

    @Test func theLastFailureCounts() {
        let origin = DeadLetterOrigin(headers: [
            ("dead-letter.topic", Bytes("first")), ("dead-letter.topic", Bytes("second")), ("dead-letter.partition", Bytes("nonsense")),
        ])
        #expect(origin?.topic == "second" && origin?.partition == nil)
        #expect(DeadLetterOrigin(headers: [("dead-letter.topic", nil), ("other", Bytes("x"))]) == nil)
    }
}
