import ClientCore
import Glibc
import Primitives
import Reactor
import Synchronization
import Wire

/// Where the token of OAUTHBEARER comes from. Tokens and what programs print go into no message.
package enum TokenSource: Equatable, Sendable {
    case fixed(String)
    /// `sasl.oauthbearer.token.endpoint.url=file:///…`: a file that somebody renews.
    case file(String)
    /// `kastellan.oauthbearer.token.command`: a program that prints it, run without a shell.
    case command([String])

    func fetch() throws(ClientSecurityError) -> String {
        switch self {
        case .fixed(let token): return token
        case .file(let path):
            guard let text = SmallFile.read(path) else { throw ClientSecurityError("the token file \(path): \(systemMessage(errno))") }
            return try TokenSource.token(text, of: path)
        case .command(let words):
            let bytes: [UInt8]
            do throws(Subprocess.Failure) { bytes = try Subprocess.output(of: words, timeoutMs: 20_000) } catch {
                throw ClientSecurityError("the token command \(error.message)")
            }
            return try TokenSource.token(String(decoding: bytes, as: UTF8.self), of: words[0])
        }
    }

    /// One word, with whatever blanks around it.
    private static func token(_ text: String, of source: String) throws(ClientSecurityError) -> String {
        let words = text.split(whereSeparator: \.isWhitespace)
        guard words.count == 1 else { throw ClientSecurityError("\(source) is to hold one token and nothing else") }
        return String(words[0])
    }
}

/// Fetches a token when there is none yet or the last one is about to run out. Any thread; whoever comes while it is being fetched waits.
final class TokenKeeper: Sendable {
    struct Token: Sendable {
        var login: SaslLogin
        /// When a new one is wanted.
        var renewAt: Instant
    }

    /// A token that does not say when it ends is asked for again after this.
    static let opaqueMs: Int64 = 300_000
    static let renewMsMin: Int64 = 5_000

    private let source: TokenSource
    private let extensions: [SaslLogin.Extension]
    private let held = Mutex<Token?>(nil)

    init(_ source: TokenSource, _ extensions: [SaslLogin.Extension]) {
        self.source = source
        self.extensions = extensions
    }

    func current() throws(ClientSecurityError) -> Token {
        let result = held.withLock { held -> Result<Token, ClientSecurityError> in
            let now = SystemClock.now()
            if let held, held.renewAt > now.instant { return .success(held) }
            do throws(ClientSecurityError) {
                let text = try source.fetch()
                guard let login = SaslLogin(token: text, extensions: extensions) else {
                    throw ClientSecurityError("the token or its extensions have characters that no token has")
                }
                let token = Token(login: login, renewAt: renewal(text, now: now))
                held = token
                return .success(token)
            } catch {
                return .failure(error)
            }
        }
        return try result.get()
    }

    private func renewal(_ token: String, now: Now) -> Instant {
        if case .fixed = source { return .distantFuture }
        guard let expiry = TokenKeeper.expiry(token) else { return now.instant.adding(milliseconds: TokenKeeper.opaqueMs) }
        let left = expiry.milliseconds - now.wall.milliseconds
        return now.instant.adding(milliseconds: max(TokenKeeper.renewMsMin, left / 10 * 8))
    }

    /// `exp` of a JSON Web Token (RFC 7519), whose signature is the broker's to check; nil where it is none.
    static func expiry(_ token: String) -> Timestamp? {
        let parts = token.split(separator: ".", omittingEmptySubsequences: false)
        guard parts.count == 3 else { return nil }
        var text = parts[1].map { $0 == "-" ? "+" : $0 == "_" ? "/" : $0 }
        while text.count % 4 != 0 { text.append("=") }
        guard let bytes = Base64.decode(Array(String(text).utf8)) else { return nil }
        let claims = String(decoding: bytes, as: UTF8.self)
        guard let name = claims.range(ofText: "\"exp\"") else { return nil }
        let rest = claims[name.upperBound...].drop { $0 == " " || $0 == ":" }
        guard let seconds = Int64(rest.prefix { $0.isNumber }), seconds < 1 << 40 else { return nil }
        return Timestamp(milliseconds: seconds * 1000)
    }
}

extension String {
    fileprivate func range(ofText text: String) -> Range<Index>? {
        var at = startIndex
        while at < endIndex {
            if self[at...].hasPrefix(text) { return at..<index(at, offsetBy: text.count) }
            at = index(after: at)
        }
        return nil
    }
}

/// Files of a few kilobytes, such as tokens.
enum SmallFile {
    static func read(_ path: String) -> String? {
        guard let file = fopen(path, "r") else { return nil }
        defer { fclose(file) }
        var bytes = [UInt8](repeating: 0, count: 64 * 1024)
        let count = fread(&bytes, 1, bytes.count, file)
        return ferror(file) == 0 ? String(decoding: bytes.prefix(count), as: UTF8.self) : nil
    }
}
