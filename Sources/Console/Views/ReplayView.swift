import Grid
import Observatory
import Primitives

/// How far a recording that is played is.
package struct ReplayState: Equatable, Sendable {
    /// Milliseconds from its beginning, and in all.
    package var position: Int64
    package var length: Int64
    package var speed: Int64
    package var isPaused: Bool
    /// The recording's keys are pressed too.
    package var playsKeys: Bool
    package var isRedacted: Bool

    package init(position: Int64, length: Int64, speed: Int64, isPaused: Bool, playsKeys: Bool, isRedacted: Bool) {
        (self.position, self.length, self.speed) = (position, length, speed)
        (self.isPaused, self.playsKeys, self.isRedacted) = (isPaused, playsKeys, isRedacted)
    }
}

/// What can be done with the time of a recording.
package enum ReplayControl: Equatable, Sendable { case pause, step, faster, slower }

extension Console {
    /// What a key means for the recording; nil where it is not about it, or none is played.
    package func replayControl(_ key: Key) -> ReplayControl? {
        guard replay != nil else { return nil }
        switch keys.bindings.first(where: { $0.contexts.contains(.replay) && $0.keys.contains(key) })?.action {
        case .replayPause: return .pause
        case .replayStep: return .step
        case .replayFaster: return .faster
        case .replaySlower: return .slower
        default: return nil
        }
    }

    /// For the header: how far it is, and by which keys it is moved.
    func replaySpans(_ state: ReplayState, brief: Bool) -> [Span] {
        func clock(_ ms: Int64) -> String { "\(ms / 60_000):\(padded(Int(ms / 1000 % 60), 2))" }
        let speed = state.speed == 1 ? "" : " x\(state.speed)"
        let phase = state.isPaused ? " paused" : state.position >= state.length ? " at its end" : speed
        let redacted = state.isRedacted ? " redacted" : ""
        let hints = brief ? "" : "  f7 step, f8 \(state.isPaused ? "go on" : "pause"), f11 f12 speed"
        return [Span(" REPLAY\(redacted) \(clock(state.position)) of \(clock(state.length))\(phase)\(hints) ", .flashWarning)]
    }
}
