/// What the program's exit code says. Scripts rely on these; they stand in the man page.
package enum ExitStatus: Int32, Sendable, CaseIterable {
    case ok = 0
    case error = 1
    case usage = 2
    /// Some of what was asked for was done and some was not; the messages say which.
    case partial = 3
    case authentication = 4
    case unreachable = 5
    case timeout = 124
    case interrupted = 130

    package var meaning: String {
        switch self {
        case .ok: "Done."
        case .error: "It failed; one line on standard error says why."
        case .usage: "The command line is not one the program understands."
        case .partial: "Some of it was done, some was not."
        case .authentication: "The cluster refused who we are, or what we may do."
        case .unreachable: "No broker could be reached."
        case .timeout: "The time given by --timeout ran out."
        case .interrupted: "Stopped by SIGINT."
        }
    }
}

/// Why a command did not do what it was asked to: one line that names what is wrong and what to do about it, and the exit code.
package struct Failure: Error, Equatable {
    package var status: ExitStatus
    package var message: String

    package init(_ status: ExitStatus, _ message: String) {
        self.status = status
        self.message = message
    }

    package static func usage(_ message: String) -> Failure { Failure(.usage, message) }
}
