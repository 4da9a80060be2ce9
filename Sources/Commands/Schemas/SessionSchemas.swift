import Console
import Observatory
import Payloads
import Primitives
import Reactor
import Synchronization

/// The console's line to a schema registry: what it asks is answered on threads that may block, by events of its own cluster's number.
final class SessionSchemas: Sendable {
    /// Of a subject the newest versions; a registry has no request for all at once.
    static let versionsMax = 50

    private let registry: SchemaRegistry
    private let mailbox: ConsoleMailbox
    private let generation: Int

    init(_ registry: SchemaRegistry, _ mailbox: ConsoleMailbox, generation: Int) {
        (self.registry, self.mailbox, self.generation) = (registry, mailbox, generation)
    }

    func ask(_ question: SchemaQuestion) {
        SessionThread.run { [self] in
            switch question {
            case .subjects: post(.subjects(SessionSchemas.told { () throws(SchemaFailure) in try registry.subjects() }))
            case .details(let names): post(.details(names.map(details)))
            case .versions(let subject):
                post(.versions(subject, SessionSchemas.told { () throws(SchemaFailure) in try versions(of: subject) }))
            }
        }
    }

    private func post(_ answer: SchemaAnswer) { mailbox.post(.from(generation, .schemas(answer))) }

    private static func told<T>(_ ask: () throws(SchemaFailure) -> T) -> Result<T, ConsoleFailure> {
        do throws(SchemaFailure) { return .success(try ask()) } catch { return .failure(ConsoleFailure("\(error.message).")) }
    }

    private func details(_ name: String) -> SchemaSubject {
        var subject = SchemaSubject(name)
        do throws(SchemaFailure) {
            let versions = try registry.versions(of: name).sorted()
            let latest = try versions.last.map { (version) throws(SchemaFailure) in try registry.version(version, of: name) }
            let rule = try registry.compatibility(of: name)
            subject.details = SchemaSubject.Details(
                format: latest?.entry.format.rawValue ?? "", versions: versions.count, latest: versions.last, id: latest?.entry.id,
                compatibility: rule.level, hasOwnRule: rule.isOwn)
        } catch {
            subject.problem = error.message
        }
        return subject
    }

    private func versions(of subject: String) throws(SchemaFailure) -> [SchemaVersion] {
        var out: [SchemaVersion] = []
        for number in try registry.versions(of: subject).sorted().suffix(SessionSchemas.versionsMax) {
            let entry = try registry.version(number, of: subject).entry
            out.append(
                SchemaVersion(
                    number: number, id: entry.id, format: entry.format.rawValue, lines: SchemaCommands.lines(entry), source: entry.text,
                    references: entry.references.map { "\($0.subject) \($0.version)" }))
        }
        return out
    }

    // MARK: Changes

    func plan(_ ticket: Int, _ change: SchemaChange) {
        runner.plan(ticket) { [self] () throws(PlanError) in
            do throws(SchemaFailure) { return try SchemaPlanner(registry: registry).plan(change) } catch {
                throw PlanError("\(error.message).")
            }
        }
    }

    func run(
        _ ticket: Int, _ plan: Plan, gate: ChangeGate, audit: Audit, cluster: String?, done: @escaping @Sendable (PlanOutcome) -> Void
    ) {
        runner.run(ticket, plan, by: SchemaPlanner(registry: registry), gate: gate, audit: audit, cluster: cluster, done: done)
    }

    private var runner: OutsideRun { OutsideRun(mailbox: mailbox, generation: generation) }
}
