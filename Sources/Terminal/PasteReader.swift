import CLinux
import CNcurses
import Glibc

/// Takes what stands between the marks of a paste straight from the terminal's descriptor. ncurses reads a byte at a time and looks for
/// keys in each; megabytes would take minutes that way.
///
/// What follows the end mark is ncurses' again, and a terminal cannot be given back what was read too much of. So no read asks for more
/// bytes than the mark still lacks: the mark is then the last thing read.
struct PasteReader {
    /// More bytes than this are not taken from one paste; the rest of it is read and dropped.
    static let bytesMax = 1 << 20
    private static let endMark: [UInt8] = Array("\u{1B}[201~".utf8)

    /// The terminal's text is in UTF-8, else in what the locale says.
    let isUTF8: Bool
    private var bytes: [UInt8] = []
    /// How much of the end mark has come.
    private var matched = 0

    init(isUTF8: Bool) { self.isUTF8 = isUTF8 }

    /// Bytes that wait at a descriptor; 0 also where it cannot tell.
    static func waiting(_ descriptor: Int32) -> Int {
        var count: Int32 = 0
        return ioctl(descriptor, UInt(FIONREAD), &count) == 0 ? Int(max(0, count)) : 0
    }

    /// Takes what has arrived, without waiting; whether the end mark has come.
    mutating func read(_ descriptor: Int32) -> Bool {
        var chunk: UInt64 = 0
        while true {
            var left = PasteReader.waiting(descriptor)
            guard left > 0 else { return false }
            while left > 0 {
                let wanted = min(left, PasteReader.endMark.count - matched)
                let count = withUnsafeMutableBytes(of: &chunk) { Glibc.read(descriptor, $0.baseAddress, wanted) }
                guard count > 0 else { return false }
                left -= count
                let isEnd = withUnsafeBytes(of: &chunk) { raw in
                    for at in 0..<count { take(raw[at]) }
                    return matched == PasteReader.endMark.count
                }
                if isEnd { return true }
            }
        }
    }

    private mutating func take(_ byte: UInt8) {
        if byte == PasteReader.endMark[matched] {
            matched += 1
            return
        }
        for at in 0..<matched { keep(PasteReader.endMark[at]) }
        // The mark's first byte stands in it once: what breaks it off can only begin it anew.
        matched = byte == PasteReader.endMark[0] ? 1 : 0
        if matched == 0 { keep(byte) }
    }

    private mutating func keep(_ byte: UInt8) {
        guard bytes.count < PasteReader.bytesMax else { return }
        // The return key's byte is what terminals send for the end of a line.
        bytes.append(byte == 13 ? 10 : byte)
    }

    /// All that was taken; what is no text in the terminal's encoding is U+FFFD.
    var text: String {
        var whole = bytes[...]
        // No half of a character where it was cut off.
        if isUTF8 && bytes.count == PasteReader.bytesMax {
            while let last = whole.last, last & 0xC0 == 0x80 { whole.removeLast() }
            if let last = whole.last, last >= 0xC0 { whole.removeLast() }
        }
        return isUTF8 ? String(decoding: whole, as: UTF8.self) : PasteReader.decodedByLocale(whole)
    }

    private static func decodedByLocale(_ bytes: ArraySlice<UInt8>) -> String {
        var out = String.UnicodeScalarView()
        var state = mbstate_t()
        bytes.withUnsafeBytes { raw in
            var at = 0
            while at < raw.count {
                var wide: wchar_t = 0
                let start = raw.baseAddress.map { ($0 + at).assumingMemoryBound(to: CChar.self) }
                let count = mbrtowc(&wide, start, raw.count - at, &state)
                let isWrong = count < 0
                out.append(isWrong ? "\u{FFFD}" : Unicode.Scalar(UInt32(bitPattern: wide)) ?? "\u{FFFD}")
                if isWrong { state = mbstate_t() }
                at += isWrong ? 1 : max(1, count)
            }
        }
        return String(out)
    }
}
