import CLinux
import Console
import Glibc
import Grid
import Primitives
import Reactor
import Terminal

/// The user's own editor, on the terminal that the console gives up meanwhile.
extension ConsoleSession {
    func edit(_ ticket: Int, _ text: String) {
        terminal.suspend()
        let result = SessionEditor.edit(text)
        terminal.resume()
        let size = terminal.resized()
        feed(.input(.resize(width: size.width, height: size.height)))
        mailbox.post(.event(.edited(ticket: ticket, result)))
    }
}

enum SessionEditor {
    private static let textMax = 64 * 1024 * 1024

    /// The text as the editor left it.
    static func edit(_ text: String) -> Result<String, ConsoleFailure> {
        var path = Array("\(environment("TMPDIR") ?? "/tmp")/kastellan-XXXXXX.txt".utf8CString)
        let descriptor = mkstemps(&path, 4)
        let name = String(decoding: path.dropLast().map { UInt8(bitPattern: $0) }, as: UTF8.self)
        guard descriptor >= 0 else { return .failure(ConsoleFailure("\(name): \(systemMessage(errno)).")) }
        defer { unlink(name) }
        var rest = Array(text.utf8)[...]
        while !rest.isEmpty {
            let count = rest.withUnsafeBytes { write(descriptor, $0.baseAddress, $0.count) }
            if count <= 0 { break }
            rest = rest.dropFirst(count)
        }
        close(descriptor)
        guard rest.isEmpty else { return .failure(ConsoleFailure("\(name): \(systemMessage(errno)).")) }
        let editor = environment("VISUAL") ?? environment("EDITOR") ?? "vi"
        guard let status = run(editor, name) else { return .failure(ConsoleFailure("\(editor) cannot be started.")) }
        guard status == 0 else { return .failure(ConsoleFailure("\(editor) ended with \(status); nothing was taken from it.")) }
        return SessionFiles.read(name)
    }

    /// Through a shell, because the variable may hold flags; with the signals as a program expects them. Its exit status.
    private static func run(_ editor: String, _ file: String) -> Int32? {
        var attributes = posix_spawnattr_t()
        posix_spawnattr_init(&attributes)
        defer { posix_spawnattr_destroy(&attributes) }
        var none = sigset_t()
        sigemptyset(&none)
        posix_spawnattr_setsigmask(&attributes, &none)
        posix_spawnattr_setflags(&attributes, Int16(POSIX_SPAWN_SETSIGMASK))
        let words = ["/bin/sh", "-c", editor + " \"$1\"", "sh", file]
        var arguments: [UnsafeMutablePointer<CChar>?] = words.map { strdup($0) } + [nil]
        defer { for argument in arguments { free(argument) } }
        var child = pid_t()
        guard posix_spawn(&child, "/bin/sh", nil, &attributes, &arguments, environ) == 0 else { return nil }
        var status: Int32 = 0
        while waitpid(child, &status, 0) < 0 && errno == EINTR {}
        return status & 0x7F == 0 ? (status >> 8) & 0xFF : 128 + (status & 0x7F)
    }
}
