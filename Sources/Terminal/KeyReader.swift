import CNcurses
import Glibc
import Grid

/// Turns what ncurses reads into input events: keys, pasted text as one piece, the mouse.
struct KeyReader {
    /// Our own key codes, above ncurses' own.
    private static let pasteStart: Int32 = 0x1F00
    private static let pasteEnd: Int32 = 0x1F01
    private static let defined: [(Int32, Key)] = [
        (0x1F10, Key(.left, .control)), (0x1F11, Key(.right, .control)), (0x1F12, Key(.up)), (0x1F13, Key(.down)), (0x1F14, Key(.right)),
        (0x1F15, Key(.left)), (0x1F16, Key(.home)), (0x1F17, Key(.end)), (0x1F18, Key(.left, .shift)), (0x1F19, Key(.right, .shift)),
        (0x1F1A, Key(.backTab)),
    ]
    private static let sequences: [(String, Int32)] = [
        ("\u{1B}[1;5D", 0x1F10), ("\u{1B}[1;5C", 0x1F11), ("\u{1B}[A", 0x1F12), ("\u{1B}[B", 0x1F13), ("\u{1B}[C", 0x1F14),
        ("\u{1B}[D", 0x1F15), ("\u{1B}[H", 0x1F16), ("\u{1B}[F", 0x1F17), ("\u{1B}[1;2D", 0x1F18), ("\u{1B}[1;2C", 0x1F19),
        ("\u{1B}[Z", 0x1F1A), ("\u{1B}[200~", pasteStart), ("\u{1B}[201~", pasteEnd),
    ]
    /// The terminal's word on mode 2026, by its number: not known, set, reset, always set, never set.
    private static let modeAnswers: Int32 = 0x1F20

    /// So long no terminal pauses within one paste.
    private static let pastePauseMs: Int64 = 2_000
    /// Two presses on one cell within this time are a double press.
    private static let doublePressMs: Int64 = 400

    /// What ncurses reads from.
    private let descriptor: Int32
    private let isUTF8: Bool
    private var paste: PasteReader?
    /// When something of a paste was read last, in ms on the monotonic clock.
    private var lastInput: Int64 = 0
    private var lastPress: (column: Int32, row: Int32, time: Int64)?

    init(descriptor: Int32, isUTF8: Bool) {
        self.descriptor = descriptor
        self.isUTF8 = isUTF8
    }

    /// Sequences that terminal types do not mention and terminals send all the same.
    static func defineKeys() {
        for (sequence, code) in sequences { define_key(sequence, code) }
        for state in Int32(0)...4 { define_key("\u{1B}[?2026;\(state)$y", modeAnswers + state) }
    }

    /// Whether the terminal shows frames as one; nil while it has not said.
    private(set) var synchronizes: Bool?

    mutating func read() -> [InputEvent] {
        var out: [InputEvent] = []
        while out.count < 4096 {
            if paste != nil {
                guard PasteReader.waiting(descriptor) > 0 else { break }
                readPaste(&out)
                continue
            }
            guard let (code, isKey) = next() else { break }
            if isKey, code == KEY_RESIZE { continue }
            if isKey, code == KeyReader.pasteStart {
                paste = PasteReader(isUTF8: isUTF8)
                lastInput = KeyReader.milliseconds()
            } else if let event = event(code, isKey) {
                out.append(event)
            }
        }
        return out
    }

    private func next() -> (Int32, Bool)? {
        var code: wint_t = 0
        let result = wget_wch(shim_stdscr(), &code)
        if result == ERR { return nil }
        return (Int32(bitPattern: code), result == KEY_CODE_YES)
    }

    /// Takes what has arrived of a paste. One whose end never came would swallow every key: after a pause it is over, and what comes then
    /// are keys.
    private mutating func readPaste(_ out: inout [InputEvent]) {
        let isLost = KeyReader.milliseconds() - lastInput > KeyReader.pastePauseMs
        let isOver = isLost || paste?.read(descriptor) == true
        lastInput = KeyReader.milliseconds()
        guard isOver, let paste else { return }
        out.append(.paste(paste.text))
        self.paste = nil
    }

    private static func milliseconds() -> Int64 {
        var time = timespec()
        clock_gettime(CLOCK_MONOTONIC, &time)
        return Int64(time.tv_sec) * 1000 + Int64(time.tv_nsec) / 1_000_000
    }

    private mutating func event(_ code: Int32, _ isKey: Bool) -> InputEvent? {
        if !isKey { return character(code).map { .key($0) } }
        if code == KEY_MOUSE { return mouse() }
        if (KeyReader.modeAnswers...KeyReader.modeAnswers + 4).contains(code) {
            synchronizes = (1...3).contains(code - KeyReader.modeAnswers)
            return nil
        }
        return functionKey(code).map { .key($0) }
    }

    private func character(_ code: Int32) -> Key? {
        switch code {
        case 0: return Key(.character(" "), .control)
        case 8, 127: return Key(.backspace)
        case 9: return Key(.tab)
        case 10, 13: return Key(.enter)
        case 27: return escape()
        case 1...26: return Key(.character(Unicode.Scalar(UInt8(code) + 0x60)), .control)
        case 28...31: return Key(.character(Unicode.Scalar(UInt8(code) + 0x40)), .control)
        default: return Unicode.Scalar(UInt32(bitPattern: code)).map { Key(.character($0)) }
        }
    }

    /// ncurses has waited for what may follow: a character right behind is alt and that character.
    private func escape() -> Key {
        guard let (code, isKey) = next() else { return Key(.escape) }
        if isKey {
            ungetch(code)
        } else if code >= 32, code != 127, let scalar = Unicode.Scalar(UInt32(bitPattern: code)) {
            return Key(.character(scalar), .alt)
        } else if code == 127 {
            return Key(.backspace, .alt)
        } else {
            unget_wch(wchar_t(code))
        }
        return Key(.escape)
    }

    private func functionKey(_ code: Int32) -> Key? {
        if let own = KeyReader.defined.first(where: { $0.0 == code }) { return own.1 }
        switch code {
        case KEY_UP: return Key(.up)
        case KEY_DOWN: return Key(.down)
        case KEY_LEFT: return Key(.left)
        case KEY_RIGHT: return Key(.right)
        case KEY_SLEFT: return Key(.left, .shift)
        case KEY_SRIGHT: return Key(.right, .shift)
        case KEY_HOME: return Key(.home)
        case KEY_END: return Key(.end)
        case KEY_PPAGE: return Key(.pageUp)
        case KEY_NPAGE: return Key(.pageDown)
        case KEY_BACKSPACE: return Key(.backspace)
        case KEY_DC: return Key(.delete)
        case KEY_IC: return Key(.insert)
        case KEY_BTAB: return Key(.backTab)
        case KEY_ENTER: return Key(.enter)
        default:
            for number in 1...12 where code == shim_key_f(Int32(number)) { return Key(.function(number)) }
            return nil
        }
    }

    private mutating func mouse() -> InputEvent? {
        var event = MEVENT()
        guard getmouse(&event) == OK else { return nil }
        if shim_mouse_is_wheel_up(event.bstate) != 0 { return .mouse(MouseEvent(.wheelUp, column: Int(event.x), row: Int(event.y))) }
        if shim_mouse_is_wheel_down(event.bstate) != 0 { return .mouse(MouseEvent(.wheelDown, column: Int(event.x), row: Int(event.y))) }
        guard shim_mouse_is_press(event.bstate) != 0 else { return nil }
        let now = KeyReader.milliseconds()
        let isDouble = lastPress.map { $0.column == event.x && $0.row == event.y && now - $0.time < KeyReader.doublePressMs } ?? false
        lastPress = isDouble ? nil : (event.x, event.y, now)
        return .mouse(MouseEvent(isDouble ? .doublePress : .press, column: Int(event.x), row: Int(event.y)))
    }
}
