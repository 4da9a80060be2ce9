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
