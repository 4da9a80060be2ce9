import Controller
import Glibc
import Primitives
import Reactor
import Synchronization

/// The keys and certificates of one listener, or of the way to other nodes' one. Read again when their files change or their settings do,
/// for connections to come; those that are open keep what they began with. Where what is read does not do (a file half written, a key of
/// another certificate), the old ones stay and it is tried again.
///
/// May be used from any thread.
final class RenewableTLS: Sendable {
    enum Renewal: Equatable {
        case unchanged
        case renewed
        /// Said once for each reason.
        case failed(String)
    }

    private struct State {
        var config: BrokerConfig
        var context: TLSContext
        var settings: [String]
        var files: [FileStamp]
        var complaint: String?
    }

    let listener: String
    private let side: TLSContext.Side
    /// Who logs in needs no certificate besides, unless the listener itself says so.
    private let asksForLogin: Bool
    private let state: Mutex<State>

    init(_ listener: String, _ side: TLSContext.Side, _ config: BrokerConfig, asksForLogin: Bool = false) throws(TLSError) {
        (self.listener, self.side, self.asksForLogin) = (listener, side, asksForLogin)
        // Stamps come first: what changes while the files are read is then read again.
        let files = RenewableTLS.stamps(config, listener)
        let context = try RenewableTLS.make(listener, side, config, asksForLogin)
        state = Mutex(State(config: config, context: context, settings: RenewableTLS.settings(config, listener), files: files))
    }

    /// For the next connection.
    var context: TLSContext { state.withLock { $0.context } }

    /// Whether there are files to look at.
    var hasFiles: Bool { state.withLock { !$0.files.isEmpty } }

    /// Looks at the files, and at the settings where there are others now.
    func renew(_ config: BrokerConfig? = nil) -> Renewal {
        state.withLock { state in
            let config = config ?? state.config
            let files = RenewableTLS.stamps(config, listener)
            let settings = RenewableTLS.settings(config, listener)
            guard files != state.files || settings != state.settings else {
                state.config = config
                return .unchanged
            }
            do throws(TLSError) {
                let context = try RenewableTLS.make(listener, side, config, asksForLogin)
                state = State(config: config, context: context, settings: settings, files: files)
                return .renewed
            } catch {
                // The settings hold all the same: when the files are right, they are taken.
                state.config = config
                guard state.complaint != error.description else { return .unchanged }
                state.complaint = error.description
                return .failed(error.description)
            }
        }
    }

    private static func make(
        _ listener: String, _ side: TLSContext.Side, _ config: BrokerConfig, _ asksForLogin: Bool
    ) throws(TLSError) -> TLSContext {
        var options = try TLSOptions { config.listenerText(listener, $0) }
        if asksForLogin, config.ownText(listener, "ssl.client.auth") == nil { options.clientAuth = .none }
        return try TLSContext(options, side)
    }

    private static let fileKeys = ["ssl.keystore.location", "ssl.truststore.location"]
    private static let textKeys = fileKeys + [
        "ssl.keystore.type", "ssl.keystore.key", "ssl.keystore.certificate.chain", "ssl.key.password", "ssl.truststore.type",
        "ssl.truststore.certificates", "ssl.client.auth", "ssl.cipher.suites", "ssl.enabled.protocols",
    ]

    private static func settings(_ config: BrokerConfig, _ listener: String) -> [String] {
        textKeys.map { config.listenerText(listener, $0) ?? "" }
    }

    private static func stamps(_ config: BrokerConfig, _ listener: String) -> [FileStamp] {
        fileKeys.compactMap { config.listenerText(listener, $0) }.filter { !$0.isEmpty }.map { FileStamp($0) }
    }
}

/// What tells one state of a file from another without reading it.
struct FileStamp: Equatable, Sendable {
    let path: String
    private let inode: UInt64
    private let size: Int64
    private let seconds: Int64
    private let nanoseconds: Int64

    init(_ path: String) {
        self.path = path
        var info = stat()
        guard stat(path, &info) == 0 else {
            (inode, size, seconds, nanoseconds) = (0, -1, 0, 0)
            return
        }
        (inode, size) = (UInt64(info.st_ino), Int64(info.st_size))
        (seconds, nanoseconds) = (Int64(info.st_mtim.tv_sec), Int64(info.st_mtim.tv_nsec))
    }
}

/// Looks after the keys and certificates of a node. Owner: the broker's loop.
final class CertificateWatch {
    private let all: [RenewableTLS]
    private let loop: EventLoop
    private let log: @Sendable (String) -> Void
    private var timer: TimerID?

    /// How often files are looked at: a look is one system call each.
    private static let lookMs: Int64 = 1000

    init(_ all: [RenewableTLS], _ loop: EventLoop, log: @escaping @Sendable (String) -> Void) {
        (self.all, self.loop, self.log) = (all, loop, log)
    }

    /// Looks now, with other settings where they have changed.
    func look(_ config: BrokerConfig? = nil) {
        for keys in all {
            switch keys.renew(config) {
            case .unchanged: break
            case .renewed: log("listener \(keys.listener): new keys and certificates are in use")
            case .failed(let why): log("listener \(keys.listener): the new keys and certificates cannot be used: \(why)")
            }
        }
    }

    func end() {
        if let timer { loop.cancel(timer) }
        timer = nil
    }

    /// Looks again and again, until `end`, where there is a file to look at.
    func begin() {
        guard all.contains(where: \.hasFiles) else { return }
        timer = loop.schedule(at: SystemClock.instant().adding(milliseconds: CertificateWatch.lookMs)) { [self] in
            look()
            begin()
        }
    }
}
