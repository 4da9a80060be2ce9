import ClientCore
import Primitives
import Testing
import Wire

@testable import Observatory

/// Transactions found, ended and watched; logins taken away.
@Suite struct AdminPlanTests {
    private let place = TopicPartition("orders", 1)

    private func cluster() -> FakeCluster {
        var cluster = FakeCluster()
        cluster.add("orders", partitions: 3, end: 50)
        cluster.open(place, producer: 7, at: 40)
        return cluster
    }

    // MARK: Plans

    @Test func aHangingTransactionIsAborted() throws {
        var cluster = cluster()
        let plan = try PlanStory.plan(.abortTransaction(TransactionToAbort(place, .startOffset(40))), &cluster)
        #expect(plan.rows.map(\.cells) == [["orders-1", "7", "3", "0", "40", "0", "abort"]])
        #expect(plan.warnings.isEmpty && plan.confirmation == .typedName("orders-1"))
        #expect(
            plan.kafkaCommand == "kafka-transactions.sh --bootstrap-server 127.0.0.1:21192 abort --topic orders --partition 1 "
                + "--start-offset 40")
        let outcome = try PlanStory.run(plan, &cluster)
        #expect(outcome.verdict == .done && outcome.undo == nil)
        #expect(outcome.lines == ["Aborted the transaction of producer 7 in orders-1."])
        #expect(cluster.openProducers[place]?.first?.currentTxnStartOffset == -1)
    }

    @Test func aTransactionThatItsCoordinatorWillEndIsWarnedOf() throws {
        var cluster = cluster()
        cluster.transactions["pay"] = .init(producer: 7, partitions: [place])
        let plan = try PlanStory.plan(.abortTransaction(TransactionToAbort(place, .startOffset(40))), &cluster)
        #expect(plan.warnings.count == 1 && plan.warnings[0].hasPrefix("Transactional id pay has it under way (Ongoing)"))
        cluster.transactions["pay"]?.partitions = [TopicPartition("orders", 2)]
        #expect(try PlanStory.plan(.abortTransaction(TransactionToAbort(place, .startOffset(40))), &cluster).warnings.isEmpty)
    }

    @Test func whatIsNotThereCannotBeAborted() throws {
        var cluster = cluster()
        func refusal(_ partition: TopicPartition, _ offset: Offset) -> String? {
            guard case .failure(let error) = PlanStory.build(
                .abortTransaction(TransactionToAbort(partition, .startOffset(offset))), &cluster)
            else { return nil }
            return error.message
        }
        #expect(refusal(place, 0) == "Could not find any open transactions starting at offset 0 on partition orders-1")
        #expect(refusal(TopicPartition("orders", 9), 0) == "Topic orders has 3 partitions.")
        #expect(refusal(TopicPartition("gone", 0), 0) == "Topic gone does not exist.")
        cluster.producerErrors[place] = .topicAuthorizationFailed
        #expect(refusal(place, 40)?.hasPrefix("orders-1: TOPIC_AUTHORIZATION_FAILED") == true)
    }

    @Test func aMarkerThatIsRefusedOrForgottenIsTold() throws {
        var cluster = cluster()
        let wrong = TransactionToAbort(place, .producer(id: 7, epoch: 1, coordinatorEpoch: 0))
        let refused = try PlanStory.run(try PlanStory.plan(.abortTransaction(wrong), &cluster), &cluster)
        #expect(refused.verdict == .failed && refused.lines[0].hasPrefix("INVALID_PRODUCER_EPOCH"))
        let plan = try PlanStory.plan(.abortTransaction(TransactionToAbort(place, .startOffset(40))), &cluster)
        cluster.isLying = true
        let lied = try PlanStory.run(plan, &cluster)
        #expect(lied.verdict == .doneButDiffers && lied.lines == ["Producer 7 still has its transaction open in orders-1."])
    }

    @Test func aProducerIsFenced() throws {
        var cluster = cluster()
        cluster.transactions["pay"] = .init(producer: 7, partitions: [place])
        let plan = try PlanStory.plan(.fenceProducer(transactionalID: "pay"), &cluster)
        #expect(plan.rows[0].cells.last == "abort, new epoch")
        #expect(try PlanStory.run(plan, &cluster).verdict == .done)
        guard case .failure(let error) = PlanStory.build(.fenceProducer(transactionalID: "none"), &cluster) else {
            Issue.record("an id that nobody has was fenced")
            return
        }
        #expect(error.message == "There is no transactional id none.")
    }

    @Test func aLoginIsTakenAwayAndNoneThatIsNotThere() throws {
        var cluster = cluster()
        cluster.logins = ["alice": [1, 2]]
        let plan = try PlanStory.plan(.removeCredentials(user: "alice", mechanisms: ["SCRAM-SHA-512"]), &cluster)
        #expect(plan.rows.map(\.isChange) == [false, true] && plan.warnings.isEmpty)
        #expect(try PlanStory.run(plan, &cluster).lines == ["Removed the login of alice by SCRAM-SHA-512."])
        #expect(cluster.logins["alice"] == [1])
        let again = try PlanStory.plan(.removeCredentials(user: "alice", mechanisms: ["SCRAM-SHA-512"]), &cluster)
        #expect(again.obstacles == ["User alice has no such login."])
        #expect(
            try PlanStory.plan(.removeCredentials(user: "alice", mechanisms: []), &cluster).warnings
                == ["alice can log in by SCRAM no more."])
    }

    /// Hashing that shows what it was given, in place of PBKDF2.
    private static let plain = Hashing(
        hash: { _, text in text }, keyed: { _, _, text in text },
        stretch: { _, password, salt, count in salt + password + [UInt8(count >> 8)] })

    @Test func aUserIsCreatedAndGivenAnotherPassword() throws {
        var cluster = cluster()
        let new = NewCredential(user: "bob", mechanism: "SCRAM-SHA-512", iterations: 4096, password: "sesame").salted([7, 7], Self.plain)
        let plan = try PlanStory.plan(.setCredential(new), &cluster)
        #expect(plan.title == "Create user bob" && plan.rows.map(\.cells) == [["bob", "SCRAM-SHA-512", "4096", "new"]])
        #expect(plan.inverse == .action(.removeCredentials(user: "bob", mechanisms: ["SCRAM-SHA-512"])))
        let outcome = try PlanStory.run(plan, &cluster)
        #expect(outcome.verdict == .done && outcome.lines == ["bob logs in by SCRAM-SHA-512 with the new password."])
        #expect(cluster.logins["bob"] == [2] && cluster.saltedPasswords["bob"] == Bytes([7, 7] + Array("sesame".utf8) + [16]))
        let again = try PlanStory.plan(.setCredential(new), &cluster)
        #expect(again.title == "Change the password of bob" && again.rows[0].cells.last == "new password")
        guard case .none = again.inverse else { return #expect(Bool(false), "a password that was is known to nobody") }
        let other = NewCredential(user: "bob", mechanism: "SCRAM-SHA-256", iterations: 8192, password: "sesame").salted([1], Self.plain)
        let second = try PlanStory.plan(.setCredential(other), &cluster)
        #expect(second.title == "Give bob another login" && second.rows.map(\.isChange) == [false, true])
        cluster.isLying = true
        #expect(try PlanStory.run(second, &cluster).lines == ["bob has no login by SCRAM-SHA-256."])
    }

    /// Neither the password nor its hash is in anything that can be printed.
    @Test func aPasswordIsPrintedNowhere() throws {
        var cluster = cluster()
        let new = NewCredential(user: "bob", mechanism: "SCRAM-SHA-512", iterations: 4096, password: "sesame")
        let salted = new.salted(Array("salty".utf8), Self.plain)
        let plan = try PlanStory.plan(.setCredential(salted), &cluster)
        let action = PlanAction.setCredential(new)
        for text in ["\(new)", String(reflecting: salted), "\(plan)", String(reflecting: plan), "\(action)", plan.kafkaCommand] {
            #expect(!text.contains("sesame") && !text.contains("115, 101, 115") && text.contains("bob"))
        }
        var dumped = ""
        dump(plan, to: &dumped)
        #expect(!dumped.contains("sesame") && !dumped.contains("115"))
        #expect(plan.kafkaCommand.hasSuffix("--add-config 'SCRAM-SHA-512=[iterations=4096,password=PASSWORD]'"))
    }

    @Test func credentialsThatCannotBe() {
        var cluster = cluster()
        func refusal(_ new: NewCredential) -> String? {
            guard case .failure(let error) = PlanStory.build(.setCredential(new), &cluster) else { return nil }
            return error.message
        }
        var new = NewCredential(user: "", mechanism: "SCRAM-SHA-512", iterations: 4096, password: "x")
        #expect(refusal(new) == "A user needs a name.")
        new.user = "bob"
        #expect(refusal(new) == "The password has to be salted first.")
        new.iterations = 4095
        #expect(refusal(new)?.hasPrefix("Iterations: from 4096 to 16384") == true)
        #expect(refusal(NewCredential(user: "bob", mechanism: "PLAIN", iterations: 4096, password: "x")) == "There is no mechanism PLAIN.")
        #expect(refusal(NewCredential(user: "bob", mechanism: "SCRAM-SHA-256", iterations: 4096, password: "")) == "A password is needed.")
    }

    // MARK: Searching

    private func search(_ scope: HangingSearch.Scope, _ cluster: inout FakeCluster) throws -> HangingSearch.Findings {
        var story = MachineStory(HangingSearch(scope))
        story.start()
        story.settle(&cluster)
        return try #require(story.outputs.first).get()
    }

    @Test func onlyWhatNobodyWillEndIsFound() throws {
        var cluster = cluster()
        cluster.open(TopicPartition("orders", 0), producer: 8, at: 1)
        cluster.open(TopicPartition("orders", 2), producer: 9, at: 2)
        cluster.transactions["pay"] = .init(producer: 8, coordinator: 2, partitions: [TopicPartition("orders", 0)])
        // Its coordinator has long gone on: this partition is not in what is under way now.
        cluster.transactions["old"] = .init(producer: 9, state: "CompleteCommit", coordinator: 3)
        let all = try search(HangingSearch.Scope(ageMinMs: 0), &cluster)
        #expect(all.hanging.map(\.partition) == [place, TopicPartition("orders", 2)])
        #expect(all.hanging.map(\.transactionalID) == [nil, "old"] && all.hanging.allSatisfy { $0.standing == .hanging })
        #expect(try search(HangingSearch.Scope(topic: "orders", partition: 2, ageMinMs: 0), &cluster).hanging.count == 1)
        #expect(try search(HangingSearch.Scope(ageMinMs: 900_000_000_000_000), &cluster).hanging.isEmpty)
        cluster.producerErrors[place] = .topicAuthorizationFailed
        let some = try search(HangingSearch.Scope(ageMinMs: 0), &cluster)
        #expect(some.hanging.count == 1 && some.unread.keys == [place])
    }

    @Test func whatCannotBeListedIsNoFinding() throws {
        var cluster = cluster()
        cluster.failing[.listTransactions] = .timedOut("ListTransactions")
        var story = MachineStory(HangingSearch(.init(ageMinMs: 0)))
        story.start()
        story.settle(&cluster)
        #expect(throws: PlanError.self, "a coordinator that is silent may know it") { try story.outputs.first?.get() }
    }

    // MARK: Watching

    private func watch(_ screen: Interest.Screen, _ cluster: inout FakeCluster, rounds: Int = 1) -> AdminSnapshot {
        var story = MachineStory(Observer())
        story.start()
        story.settle(&cluster)
        story.receive(.interest(Interest(screen)))
        for _ in 0..<rounds {
            story.receive(.refresh)
            story.settle(&cluster)
            story.advance(1000)
            story.settle(&cluster)
        }
        return story.outputs.last?.admin ?? AdminSnapshot()
    }

    @Test func transactionsAreWatched() {
        var cluster = cluster()
        cluster.transactions["pay"] = .init(producer: 7, epoch: 4, coordinator: 2, startedAt: 5, partitions: [place])
        cluster.transactions["idle"] = .init(producer: 8, state: "Empty", coordinator: 3)
        let seen = watch(.transactions, &cluster)
        #expect(seen.transactions.keys == ["idle", "pay"] && seen.transactionsSeen.time != nil)
        #expect(seen.transactions["pay"]?.producerEpoch == 4 && seen.transactions["pay"]?.partitions == [place])
        #expect(seen.transactions["pay"]?.coordinator == 2)
        #expect(watch(.transaction("pay"), &cluster).stableOffsets[place] == 50)
    }

    @Test func whatNobodyKnowsOfHangsAtTheSecondLook() {
        var cluster = cluster()
        #expect(watch(.hanging, &cluster, rounds: 3).open.map(\.standing) == [.hanging])
        cluster.transactions["pay"] = .init(producer: 7, partitions: [place])
        #expect(watch(.hanging, &cluster, rounds: 3).open.map(\.standing) == [.underWay])
        cluster.producerErrors[TopicPartition("orders", 2)] = .topicAuthorizationFailed
        let partly = watch(.hanging, &cluster, rounds: 3)
        #expect(partly.open.count == 1 && partly.openSeen.time != nil, "the others are told all the same")
        #expect(partly.openSeen.error == "1 partition could not be looked into: TOPIC_AUTHORIZATION_FAILED")
        cluster.failing[.describeTransactions] = .timedOut("DescribeTransactions")
        let silent = watch(.hanging, &cluster, rounds: 3)
        #expect(silent.open.isEmpty && silent.openSeen.error != nil, "a coordinator that is silent may know it")
    }

    @Test func rulesQuotasAndUsersAreWatched() {
        var cluster = cluster()
        cluster.logins = ["alice": [1]]
        #expect(watch(.access, &cluster).access == [AccessRule(.topic, "orders", principal: "User:alice", .read)])
        #expect(watch(.quotas, &cluster).quotas.map(\.subject.text) == ["the default user-principal"])
        #expect(watch(.users, &cluster).users == [ScramUserSnapshot("alice", [.init("SCRAM-SHA-256", iterations: 4096)])])
        cluster.failing[.describeAcls] = .kafka(.clusterAuthorizationFailed, message: nil)
        let refused = watch(.access, &cluster)
        #expect(refused.access.isEmpty && refused.accessSeen.error?.contains("CLUSTER_AUTHORIZATION_FAILED") == true)
    }
}
