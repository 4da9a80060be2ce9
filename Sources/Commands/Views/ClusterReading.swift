import Client
import ClientCore
import Compression
import Observatory
import Primitives
import Synchronization

/// Reads what a view needs from a cluster, once, with the console's own observer.
struct ClusterReading {
    let access: ClusterAccess

    /// The first picture, at the end of a round of requests, of which `isComplete` says that it has all that is wanted; at the end of the
    /// time the last one there was.
    func read(_ interest: Interest, until isComplete: @escaping @Sendable (ClusterSnapshot) -> Bool) throws(Failure) -> ClusterSnapshot {
        let done = Waiter<Void>()
        let box = Latest()
        let hosted = access.client.host(
            Observer(bootstrap: access.addresses.map(\.description), codecs: .system, interest: interest),
            output: { snapshot in
                box.set(snapshot)
                // Between rounds nothing is under way; the picture before the first round has not connected yet.
                guard snapshot.cost.requests > 0, snapshot.cost.inFlight == 0 else { return }
                if snapshot.observations.metadata.error != nil || isComplete(snapshot) { done.fill(()) }
            })
        hosted.post(.interval(milliseconds: 100))
        // Should the first round not bring all, the next one is thorough too.
        hosted.post(.refresh)
        let finished = done.wait(milliseconds: access.timeoutMs) != nil
        hosted.cancel()
        guard let snapshot = box.value, snapshot.observations.metadata.time != nil else { throw unreachable(box.value, finished) }
        return snapshot
    }

    /// The same, looked at for so many milliseconds at least: what is judged by how it moves wants a while. 0: as `read`.
    func watch(
        _ interest: Interest, for milliseconds: Int64, until isComplete: @escaping @Sendable (ClusterSnapshot) -> Bool
    ) throws(Failure) -> ClusterSnapshot {
        guard milliseconds > 0 else { return try read(interest, until: isComplete) }
        let (box, connected) = (Latest(), Waiter<Void>())
        let hosted = access.client.host(
            Observer(bootstrap: access.addresses.map(\.description), codecs: .system, interest: interest),
            output: { snapshot in
                box.set(snapshot)
                if snapshot.observations.metadata.time != nil { connected.fill(()) }
            })
        hosted.post(.interval(milliseconds: 1000))
        let begun = connected.wait(milliseconds: access.timeoutMs) != nil
        // Nobody fills this one: it is the time that passes.
        if begun { _ = Waiter<Void>().wait(milliseconds: milliseconds) }
        hosted.cancel()
        guard let snapshot = box.value, snapshot.observations.metadata.time != nil else { throw unreachable(box.value, begun) }
        return snapshot
    }

    private func unreachable(_ snapshot: ClusterSnapshot?, _ finished: Bool) -> Failure {
        let list = access.addresses.map(\.description).joined(separator: ",")
        if !finished { return Failure(.timeout, "\(list) did not answer in time; --timeout gives it longer") }
        let reason = snapshot?.observations.metadata.error ?? "no answer"
        if reason.hasPrefix(ClientError.authenticationPrefix) {
            return Failure(.authentication, "\(reason); --command-config names a file with the login")
        }
        return Failure(.unreachable, "\(list): \(reason); name a broker with -b, or start one with `kastellan dev`")
    }
}

/// The newest picture, handed from the client's thread to the command's.
private final class Latest: Sendable {
    private let held = Mutex<ClusterSnapshot?>(nil)
    func set(_ snapshot: ClusterSnapshot) { held.withLock { $0 = snapshot } }
    var value: ClusterSnapshot? { held.withLock { $0 } }
}
