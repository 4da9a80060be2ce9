import Glibc
import Primitives
import Reactor
import Settings

/// Looks up the secrets that a value names. What is found goes into no message, nor does what a command printed.
enum SecretResolver {
    /// Where a secret is looked up no longer than this.
    static let commandMs: Int64 = 20_000

    static func resolve(_ value: String, for key: String, in place: String) throws(Failure) -> String {
        let text = SecretText(value)
        guard text.namesSecret else { return value }
        var out = ""
        for part in text.parts { out += try resolve(part, key, place) }
        return out
    }

    private static func resolve(_ part: SecretText.Part, _ key: String, _ place: String) throws(Failure) -> String {
        func problem(_ text: String) -> Failure { Failure(.error, "\(place): \(key): \(text)") }
        switch part {
        case .text(let text): return text
        case .environment(let name):
            guard let found = environment(name) else { throw problem("the variable \(name) is not set") }
            return found
        case .file(let path):
            guard let text = readText(Paths.expanded(path)) else { throw problem("cannot read \(path): \(systemMessage(errno))") }
            return withoutLineEnd(text)
        case .property(let path, let wanted):
            guard let text = readText(Paths.expanded(path)) else { throw problem("cannot read \(path): \(systemMessage(errno))") }
            guard let entries = try? JavaProperties.parse(text), let found = entries.last(where: { $0.key == wanted }) else {
                throw problem("\(path) has no \(wanted)")
            }
            return found.value
        case .command(let words):
            let bytes: [UInt8]
            do throws(Subprocess.Failure) { bytes = try Subprocess.output(of: words, timeoutMs: commandMs) } catch {
                throw problem("the command \(error.message)")
            }
            let line = String(decoding: bytes, as: UTF8.self).split(separator: "\n", omittingEmptySubsequences: false).first ?? ""
            guard !line.isEmpty else { throw problem("\(words[0]) prints nothing") }
            return String(line)
        }
    }

    private static func withoutLineEnd(_ text: String) -> String {
        var text = text
        while let last = text.unicodeScalars.last, last == "\n" || last == "\r" { text.unicodeScalars.removeLast() }
        return text
    }
}
