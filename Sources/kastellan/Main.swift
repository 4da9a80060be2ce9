import Commands
import Glibc

@main
struct Main {
    static func main() { start() }
}

/// Not on the main actor: what runs from here starts threads whose closures must not belong to it.
nonisolated func start() { exit(Program.run(Array(CommandLine.arguments.dropFirst()))) }
