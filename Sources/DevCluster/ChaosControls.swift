import Primitives

/// Faults on purpose, on a cluster inside this process. `DevCluster` is one; the console's chaos keys work where its session was given
/// one, and nowhere else: nothing of it goes over the wire, so that no foreign cluster can be hurt by it.
///
/// May be called from any thread, one call at a time, and may take as long as the action does (a clean stop waits for the disk): never
/// call it from a thread that draws or that serves a socket.
package protocol ChaosControls: ClientWitness {
    /// The cluster's brokers, ascending, whether they run or not.
    var chaosBrokers: [BrokerID] { get }

    /// Returns when it is done: a restarted broker serves, a killed one is gone. Refuses what makes no sense, such as to resume a broker
    /// that is not paused, and an unknown broker, with one line for the person who asked.
    func perform(_ action: ChaosAction, on broker: BrokerID) throws(DevClusterError)

    /// What is done to the broker now. Quick: reads state, waits for nothing.
    func condition(of broker: BrokerID) -> ChaosCondition
}
