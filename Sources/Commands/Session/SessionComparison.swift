import Client
import ClientCore
import Console
import Observatory
import Primitives

/// Topics and settings of two clusters, read by a thread of their own: a secret may come from a program, and a cluster that is away takes
/// its time to be found so.
extension ConsoleSession {
    func compare(_ ticket: Int, _ name: String) {
        guard let connection else { return answer(ticket, .failure(ConsoleFailure("The cluster is still starting."))) }
        let (mailbox, generation, resolve) = (mailbox, generation, options.resolve)
        SessionThread.run {
            let result: Result<[ClusterSettings.Difference], ConsoleFailure>
            switch resolve(name) {
            case .failure(let failure): result = .failure(ConsoleFailure("\(name): \(failure.message)"))
            case .success(let context): result = connection.differences(from: name, context.entrance)
            }
            mailbox.post(.from(generation, .compared(ticket: ticket, result)))
        }
    }

    private func answer(_ ticket: Int, _ result: Result<[ClusterSettings.Difference], ConsoleFailure>) {
        mailbox.post(.event(.compared(ticket: ticket, result)))
    }
}

extension SessionConnection {
    /// How long one answer of either cluster may take.
    static let comparisonMs: Int64 = 10_000

    /// Waits for both clusters. The one that may be away is read first.
    func differences(from name: String, _ entrance: ConsoleEntrance) -> Result<[ClusterSettings.Difference], ConsoleFailure> {
        let other = ClusterClient(
            bootstrap: entrance.addresses, clientID: "kastellan-console", requestTimeoutMs: SessionConnection.comparisonMs,
            connectTimeoutMs: 5_000, security: entrance.security)
        defer { other.stop() }
        do throws(Failure) {
            let there = try SessionConnection.read(other, entrance.addresses)
            let here = try readSettings()
            return .success(ClusterSettings.differences(here, there))
        } catch {
            // What follows is advice for a command line.
            let reason = error.message.firstRange(of: "; ").map { String(error.message[..<$0.lowerBound]) } ?? error.message
            return .failure(ConsoleFailure(reason + "."))
        }
    }

    static func read(_ client: ClusterClient, _ addresses: [ServerAddress]) throws(Failure) -> ClusterSettings {
        let access = ClusterAccess(client: client, addresses: addresses, timeoutMs: comparisonMs, gate: .open, context: nil)
        return try DiffCommand.read(access, [], withInternal: false)
    }
}
