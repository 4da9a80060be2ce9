import CLinux
import Glibc

/// The way to the terminal: whole frames, counted, and never waited for.
///
/// ncurses writes to a descriptor of its own. While a frame is made, that descriptor is a file in memory; what is found there is the frame,
/// to the byte. It then goes out through an opening of the terminal that does not block, and what the terminal does not take at once waits
/// here. Where either cannot be had, ncurses writes to the terminal as ever, and the bytes are not known. Owner: the terminal's thread.
final class FrameOutput {
    private static let beginsFrame = Array("\u{1B}[?2026h".utf8)
    private static let endsFrame = Array("\u{1B}[?2026l".utf8)
    /// A frame of fewer bytes arrives whole anyway, and the marks would be a good part of it.
    static let synchronizedMin = 256

    /// ncurses' own descriptor, and what it is while no frame is made.
    private let curses: Int32
    private let usual: Int32
    private let catcher: Int32
    private let descriptor: Int32
    private var pending: [UInt8] = []
    private var next = 0
    /// Bytes sent since last asked.
    private var sent = 0
    /// The terminal shows what stands between two marks at once (mode 2026).
    var isSynchronized = false

    /// `curses` is the descriptor behind ncurses' output, `terminal` the same terminal's; both stay the caller's.
    init(curses: Int32, terminal: Int32) {
        self.curses = curses
        usual = fcntl(terminal, F_DUPFD_CLOEXEC, 3)
        catcher = kastellan_memory_file("frame")
        // The modes of an opening are shared with whoever has it too, such as the shell: one of our own is needed.
        let own = isatty(terminal) == 1 ? open("/proc/self/fd/\(terminal)", O_WRONLY | O_NOCTTY | O_NONBLOCK | O_CLOEXEC) : -1
        descriptor = own >= 0 ? own : fcntl(terminal, F_DUPFD_CLOEXEC, 3)
    }

    deinit { for number in [usual, catcher, descriptor] where number >= 0 { Glibc.close(number) } }

    /// Something waits for the terminal to take it.
    var isBacklogged: Bool { next < pending.count }
    /// To be polled for room while `isBacklogged`.
    var writeDescriptor: Int32 { descriptor }

    func takeSent() -> Int {
        let count = sent
        sent = 0
        return count
    }

    /// What ncurses writes in `body` goes out as one piece.
    func frame(_ body: () -> Void) {
        guard catcher >= 0, usual >= 0, kastellan_twin(catcher, curses) >= 0 else { return body() }
        body()
        _ = kastellan_twin(usual, curses)
        let bytes = caught()
        if isSynchronized && bytes.count >= FrameOutput.synchronizedMin {
            send(FrameOutput.beginsFrame + bytes + FrameOutput.endsFrame)
        } else if !bytes.isEmpty {
            send(bytes)
        }
    }

    private func caught() -> [UInt8] {
        let size = Int(lseek(catcher, 0, SEEK_CUR))
        guard size > 0 else { return [] }
        let bytes = [UInt8](unsafeUninitializedCapacity: size) { buffer, count in
            count = max(0, pread(catcher, buffer.baseAddress, size, 0))
        }
        ftruncate(catcher, 0)
        lseek(catcher, 0, SEEK_SET)
        return bytes
    }

    func send(_ bytes: [UInt8]) {
        sent += bytes.count
        pending += bytes
        flush()
    }

    /// Hands over as much as the terminal takes without waiting.
    func flush() {
        while next < pending.count {
            let count = pending[next...].withUnsafeBytes { write(descriptor, $0.baseAddress, $0.count) }
            if count > 0 {
                next += count
            } else if count < 0 && errno == EINTR {
                continue
            } else if count < 0 && errno == EAGAIN {
                return
            } else {
                // Nobody is there any more.
                break
            }
        }
        pending.removeAll(keepingCapacity: true)
        next = 0
    }

    /// Waits until everything has been taken, but not for long; whether it has been.
    func drain(milliseconds: Int32) -> Bool {
        flush()
        while isBacklogged {
            var wanted = pollfd(fd: descriptor, events: Int16(POLLOUT), revents: 0)
            let ready = poll(&wanted, 1, milliseconds)
            if ready < 0 && errno == EINTR { continue }
            if ready <= 0 { return false }
            flush()
        }
        return true
    }

    /// What waits is of no use to anybody any more.
    func discard() {
        pending = []
        next = 0
    }
}
