import Console
import Observatory
import Payloads
import Primitives
import Reactor

/// The console's line to Kafka Connect: what it asks is answered on threads that may block, by events of its own cluster's number.
final class SessionConnect: Sendable {
    private let access: ConnectAccess
    private let mailbox: ConsoleMailbox
    private let generation: Int

    init(_ access: ConnectAccess, _ mailbox: ConsoleMailbox, generation: Int) {
        (self.access, self.mailbox, self.generation) = (access, mailbox, generation)
    }

    /// Every cluster answers for itself: one that is away keeps nobody else from being shown.
    func ask() {
        SessionThread.run { [self] in
            let answers = access.clusters.map { one -> ConnectReading in
                var reading = ConnectReading(cluster: one.cluster.name)
                do throws(ConnectFailure) {
                    reading.connectors = .success(try one.cluster.connectors().map { ConnectorSnapshot($0, cluster: one.cluster.name) })
                } catch {
                    reading.connectors = .failure(ConsoleFailure("\(error.message)."))
                }
                return reading
            }
            mailbox.post(.from(generation, .connect(.read(answers))))
        }
    }

    func plan(_ ticket: Int, _ change: ConnectChange) {
        runner.plan(ticket) { [self] () throws(PlanError) in
            do throws(ConnectFailure) { return try ConnectPlanner(access: access).plan(change) } catch {
                throw PlanError("\(error.message).")
            }
        }
    }

    func run(
        _ ticket: Int, _ plan: Plan, gate: ChangeGate, audit: Audit, cluster: String?, done: @escaping @Sendable (PlanOutcome) -> Void
    ) {
        runner.run(ticket, plan, by: ConnectPlanner(access: access), gate: gate, audit: audit, cluster: cluster, done: done)
    }

    private var runner: OutsideRun { OutsideRun(mailbox: mailbox, generation: generation) }
}

extension ConnectorSnapshot {
    init(_ connector: ConnectCluster.Connector, cluster: String) {
        self.init(ConnectorName(cluster, connector.name))
        (type, state, worker, trace) = (connector.type, connector.part.state, connector.part.worker, connector.part.trace)
        tasks = connector.tasks.map { task in
            Part(id: task.id, state: task.part.state, worker: task.part.worker, trace: task.part.trace)
        }
        config = connector.config.map { ConfigValue($0.key, $0.value) }
    }
}
