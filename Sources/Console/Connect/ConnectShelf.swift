import Observatory
import Primitives

/// A connector as its cluster tells of it.
package struct ConnectorSnapshot: Equatable, Sendable {
    package struct Part: Equatable, Sendable {
        package var id: Int
        /// RUNNING, PAUSED, FAILED, UNASSIGNED, RESTARTING.
        package var state: String
        package var worker: String
        package var trace: String?

        package init(id: Int, state: String, worker: String, trace: String? = nil) {
            (self.id, self.state, self.worker, self.trace) = (id, state, worker, trace)
        }
    }

    package var id: ConnectorName
    /// `source`, `sink`; empty where it is not told.
    package var type = ""
    package var state = ""
    package var worker = ""
    package var trace: String?
    package var tasks: [Part] = []
    /// Sorted by key, with secrets as they are: for the editor's sake, never for the screen's.
    package var config: [ConfigValue] = []

    package init(_ id: ConnectorName) { self.id = id }

    package func value(_ key: String) -> String? { config.first { $0.name == key }?.value }
    package var isSink: Bool { type == "sink" }
    /// The consumer group of a sink; nil of a source.
    package var group: String? { isSink ? value("consumer.override.group.id") ?? "connect-\(id.name)" : nil }
    package var failedTasks: Int { tasks.count { $0.state == "FAILED" } }
    package var runningTasks: Int { tasks.count { $0.state == "RUNNING" } }
    package var hasFailed: Bool { state == "FAILED" || failedTasks > 0 }
    /// The class without its package.
    package var shortClass: String {
        value("connector.class").map { $0.split(separator: ".").last.map(String.init) ?? $0 } ?? ""
    }
}

/// What one Connect cluster answered.
package struct ConnectReading: Equatable, Sendable {
    package var cluster: String
    package var connectors: Result<[ConnectorSnapshot], ConsoleFailure> = .success([])

    package init(cluster: String) { self.cluster = cluster }
}

package enum ConnectAnswer: Equatable, Sendable {
    case read([ConnectReading])
    /// None is named for this cluster.
    case noConnect
}

/// What the console has seen of Kafka Connect. Read only while a view shows it. A cluster that does not answer keeps what was seen of it.
struct ConnectShelf: Equatable, Sendable {
    /// Sorted by name.
    var connectors = OrderedMap<ConnectorName, ConnectorSnapshot>()
    var clusters: [String] = []
    /// By cluster, why it did not answer.
    var problems = OrderedMap<String, String>()
    var seen = Observation()
    var hasConnect = true
    var isAsking = false
    var askedAt = Instant.zero

    mutating func take(_ answer: ConnectAnswer, at now: Timestamp) {
        isAsking = false
        guard case .read(let readings) = answer else {
            hasConnect = false
            return
        }
        clusters = readings.map(\.cluster)
        var fresh = OrderedMap<ConnectorName, ConnectorSnapshot>()
        problems = OrderedMap()
        for reading in readings {
            switch reading.connectors {
            case .success(let list): for connector in list { fresh[connector.id] = connector }
            case .failure(let failure):
                problems[reading.cluster] = failure.message
                for (id, connector) in connectors where id.cluster == reading.cluster { fresh[id] = connector }
            }
        }
        connectors = fresh
        if problems.count < readings.count { seen.succeeded(at: now) }
        if let problem = problems.values.first { seen.failed(problem) }
    }
}
