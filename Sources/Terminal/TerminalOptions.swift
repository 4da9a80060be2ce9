import Grid

/// How many colours are to be used.
package enum ColourDepth: Equatable, Sendable {
    case none
    case eight
    case sixteen
    case many
}

/// What the command line and the environment say about the terminal; read once, by the shell.
package struct TerminalOptions: Equatable, Sendable {
    /// The terminal's type, from TERM.
    package var term: String
    /// NO_COLOR is set (no-color.org): attributes only.
    package var noColour = false
    /// At most sixteen colours.
    package var lowColour = false
    /// Boxes and signs in ASCII, whatever the locale says.
    package var ascii = false
    package var mouse = true
    /// tmux stands between us and the terminal.
    package var isInTmux = false
    /// Ask the terminal whether it takes frames as one (mode 2026); Apple's writes such a question on the screen.
    package var asksModes = true

    package init(term: String) { self.term = term }

    /// From the environment's variables, looked up by name.
    package init(environment: (String) -> String?) {
        term = environment("TERM") ?? "dumb"
        noColour = environment("NO_COLOR").map { !$0.isEmpty } ?? false
        if let setting = environment("CLICOLOR"), setting == "0" { noColour = true }
        asksModes = environment("TERM_PROGRAM") != "Apple_Terminal"
        isInTmux = environment("TMUX").map { !$0.isEmpty } ?? false
    }
}

/// Why no screen could be opened.
package enum TerminalError: Error, Equatable, Sendable {
    /// Not a terminal, or closed.
    case noTerminal
    /// The type has no entry in the terminal data base.
    case unknownType(String)
    /// It cannot move the cursor.
    case cannotPosition(String)

    package var message: String {
        switch self {
        case .noTerminal: "standard input and output are not a terminal"
        case .unknownType(let name): "the terminal type '\(name)' is not known here; TERM=xterm-256color suits most"
        case .cannotPosition(let name): "a terminal of type '\(name)' cannot show the console: it cannot move its cursor (TERM)"
        }
    }
}
