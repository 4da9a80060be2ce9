import Primitives
import Wire

// A member that does not ask for records for `max.poll.interval.ms` holds up what it owns: it leaves, and comes back when it asks again.
extension GroupConsumerMachine {
    /// The user asks for records (and waits for them), or has them and works.
    mutating func polled(isWaiting: Bool, now: Now) {
        guard let limit = options.pollIntervalMaxMs else { return }
        pollAt = isWaiting ? .distantFuture : now.instant.adding(milliseconds: limit)
        guard isExpired else { return }
        isExpired = false
        stepAt = now.instant
    }

    mutating func expire(_ effects: inout Effects, now: Now) {
        guard !isAlone, !isExpired, pollAt <= now.instant else { return }
        isExpired = true
        pollAt = .distantFuture
        let wasMember = phase != .outside
        loseAll(&effects)
        let limit = options.pollIntervalMaxMs ?? 0
        effects.append(.output(.notice("no records were asked for in \(limit) ms: the member leaves until they are")))
        if wasMember && !memberID.isEmpty {
            if isOfConsumerProtocol {
                sendFarewell(.farewell, &effects)
            } else if options.groupInstanceID == nil {
                sendLeave("no records were asked for in max.poll.interval.ms", .farewell, &effects)
            }
        }
        rejoinReason = "records are asked for again"
        if !isOfConsumerProtocol && options.groupInstanceID == nil { memberID = "" }
        generationID = -1
        leaveGeneration(stepAt: now.instant)
    }
}
