import CLinux
import Glibc
import Observatory
import Primitives
import Reactor
import Settings

/// The password that `users set` gives: typed unseen, read from a pipe, or from where a secret is named. Never an argument, which all can
/// see.
enum UserPassword {
    static func credential(_ invocation: Invocation) throws(Failure) -> NewCredential {
        let mechanism = invocation.text("--mechanism") ?? NewCredential.mechanisms[0]
        let iterations = Int(invocation.integer("--iterations") ?? Int64(NewCredential.iterations.lowerBound))
        let new = NewCredential(
            user: invocation.positionals[0], mechanism: mechanism, iterations: iterations, password: try password(invocation))
        return new.salted(freshSalt(), .system)
    }

    private static func password(_ invocation: Invocation) throws(Failure) -> String {
        let found: String
        if let source = invocation.text("--password-from") {
            guard SecretText(source).namesSecret else {
                throw .usage("--password-from: says where the password is, such as ${env:NAME} or ${file:PATH}, not the password itself")
            }
            found = try SecretResolver.resolve(source, for: "password", in: "--password-from")
        } else if Streams.isTerminal(0) {
            found = try typed("Password of \(invocation.positionals[0]): ")
            guard try typed("Once more: ") == found else { throw .usage("the passwords differ") }
        } else {
            found = readLine() ?? ""
        }
        if found.isEmpty { throw .usage("the password is empty") }
        return found
    }

    /// A line that the terminal does not show.
    private static func typed(_ prompt: String) throws(Failure) -> String {
        var before = termios()
        guard tcgetattr(0, &before) == 0 else { throw Failure(.error, "the terminal cannot be told to hide a password") }
        var silent = before
        silent.c_lflag &= ~tcflag_t(ECHO)
        Streams.write(Array(visible(prompt).utf8), to: Streams.error)
        guard tcsetattr(0, TCSAFLUSH, &silent) == 0 else { throw Failure(.error, "the terminal cannot be told to hide a password") }
        defer {
            tcsetattr(0, TCSAFLUSH, &before)
            Streams.write([0x0A], to: Streams.error)
        }
        return readLine() ?? ""
    }
}

/// Sixteen bytes from the system's generator.
func freshSalt() -> [UInt8] {
    var system = SystemRandomNumberGenerator()
    return (0..<16).map { _ in UInt8.random(in: .min ... .max, using: &system) }
}
