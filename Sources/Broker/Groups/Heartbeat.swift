import Groups
import Wire

/// Heartbeat (12), versions 0 to 4.
extension Broker {
    mutating func handleHeartbeat(_ context: RequestContext, _ request: HeartbeatRequest) { coordinate(context, .heartbeat(request)) }
}
