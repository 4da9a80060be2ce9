import ClientCore

/// A member of a consumer group over a client of its own (see `Lane.group`): by callback, on the client's thread. What is handed out is
/// answered by `taken` once it is dealt with; what is not taken bounds what is fetched.
package final class GroupConsumer: Sendable {
    private let hosted: HostedMachine<GroupConsumerMachine>
    private let ended: Waiter<Void>

    package init(
        _ client: ClusterClient, _ options: GroupConsumerOptions, onOutput: @escaping @Sendable (GroupConsumerOutput) -> Void
    ) {
        let ended = Waiter<Void>()
        self.ended = ended
        hosted = client.host(GroupConsumerMachine(options, codecs: clientCodecs), output: onOutput, finished: { ended.fill(()) })
    }

    deinit { hosted.cancel() }

    /// The user has dealt with this delivery and all before it.
    package func taken(delivery: Int) { hosted.post(.taken(delivery: delivery)) }
    /// Commits what was taken, or the offsets given; `number` comes back with the outcome.
    package func commit(number: Int, _ positions: [CommittedPosition]? = nil) { hosted.post(.commit(number: number, positions)) }
    package func subscribe(_ topics: [String]) { hosted.post(.subscribe(topics)) }
    package func pause() { hosted.post(.pause) }
    package func resume() { hosted.post(.resume) }

    /// Asks the member to commit and to leave, without waiting for it.
    package func requestClose() { hosted.post(.close) }

    /// Commits, leaves and ends; false where that took longer, which ends it without a farewell.
    @discardableResult
    package func close(timeoutMs: Int64 = 5_000) -> Bool {
        hosted.post(.close)
        if ended.wait(milliseconds: timeoutMs) != nil { return true }
        hosted.cancel()
        return false
    }
}
