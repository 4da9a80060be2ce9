import CLinux
import Glibc

/// Puts the terminal back when the program crashes while it owns the screen: otherwise the shell is left without echo, in the alternate
/// screen, with a terminal that reports the mouse.
///
/// The handlers run in a dying process: they touch only memory prepared here and call only what is safe in a signal handler.
enum CrashGuard {
    private struct Saved {
        var input: Int32
        var output: Int32
        var modes: termios
        var hasModes: Bool
    }

    private static let signals: [Int32] = [SIGSEGV, SIGBUS, SIGILL, SIGFPE, SIGABRT, SIGTRAP]
    /// Mouse and paste reports off, cursor shown, attributes off, alternate screen left. Terminals that know one of them not, ignore it.
    private static let restoring: StaticString =
        "\u{1B}[?1006;1000l\u{1B}[?2004l\u{1B}[?25h\u{1B}[m\u{1B}[?1049l\r\n"

    /// Written by `install` and `remove` on the owner's thread, read by the handlers.
    nonisolated(unsafe) private static var saved: UnsafeMutablePointer<Saved>?
    nonisolated(unsafe) private static var before: [(Int32, sigaction)] = []

    static func install(_ input: Int32, _ output: Int32) {
        remove()
        let state = UnsafeMutablePointer<Saved>.allocate(capacity: 1)
        var modes = termios()
        let hasModes = tcgetattr(input, &modes) == 0
        state.initialize(to: Saved(input: input, output: output, modes: modes, hasModes: hasModes))
        saved = state
        for signal in signals {
            var action = sigaction()
            action.__sigaction_handler.sa_handler = { CrashGuard.crashed($0) }
            action.sa_flags = Int32(bitPattern: UInt32(SA_RESETHAND)) | SA_NODEFER
            var old = sigaction()
            sigaction(signal, &action, &old)
            before.append((signal, old))
        }
    }

    /// The terminal's modes as they were, and not a byte: for one that takes nothing.
    static func restoreModes() {
        guard let state = saved, state.pointee.hasModes else { return }
        tcsetattr(state.pointee.input, TCSANOW, &state.pointee.modes)
    }

    static func remove() {
        guard let state = saved else { return }
        saved = nil
        for (signal, old) in before {
            var old = old
            sigaction(signal, &old, nil)
        }
        before = []
        state.deallocate()
    }

    private static func crashed(_ signal: Int32) {
        if let state = saved {
            saved = nil
            _ = write(state.pointee.output, restoring.utf8Start, restoring.utf8CodeUnitCount)
            if state.pointee.hasModes { tcsetattr(state.pointee.input, TCSANOW, &state.pointee.modes) }
        }
        // The default action is back in force (SA_RESETHAND): die of the same signal.
        raise(signal)
    }
}
