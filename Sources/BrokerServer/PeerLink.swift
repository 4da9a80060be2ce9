import Broker
import Primitives
import Reactor
import Wire

/// One connection to another node: opened with the first request, kept until it breaks or is given up. Requests leave in order, and
/// their answers come in that order. Where the other node asks for a login, that comes first, and again before it expires, while nothing
/// is under way (KIP-368). Owner: the broker's loop.
///
/// Ends once, by `onEnd`; until then every request it took is answered, or among those that `onEnd` names.
final class PeerLink {
    let address: PeerAddress
    /// The response frame without its size.
    var onAnswer: (PeerRequestID, Bytes) -> Void = { _, _ in }
    /// What was under way, and why there will be no answers.
    var onEnd: ([(PeerRequestID, PeerFailure)]) -> Void = { _ in }

    /// Why the other node did not let this one in.
    var onTrouble: (String) -> Void = { _ in }
    /// It takes requests.
    var onReady: () -> Void = {}

    private let loop: EventLoop
    private let link: Link
    private let login: SaslLogin?
    /// Under way; requests wait for its end.
    private var loggingIn: SaslClient?
    private var loginEnds = Instant.distantFuture
    private var isOpen = false
    private var isDialled = false
    /// Not handed to the connection yet: it is still being made, or the link is held.
    private var waiting: [(id: PeerRequestID, frame: Frame)] = []
    /// Handed over, in the order of their answers.
    private var underWay: [PeerRequestID] = []
    /// Nothing passes in either direction, and nothing is told, as on a network that is cut.
    private var isHeld = false
    private var hasEnded = false
    private let resolve: (PeerAddress, @escaping ([SocketAddress]) -> Void) -> Void

    init(
        _ address: PeerAddress, _ loop: EventLoop, _ security: PeerSecurity = .none, local: LocalNetwork? = nil, frameBytesMax: Int,
        resolve: @escaping (PeerAddress, @escaping ([SocketAddress]) -> Void) -> Void
    ) {
        self.address = address
        self.loop = loop
        self.resolve = resolve
        login = security.login
        link = Link(loop, tls: security.tls?.context, host: address.host, local: local, frameBytesMax: frameBytesMax)
        link.onOpen = { [unowned self] in opened() }
        link.onFrame = { [unowned self] in received($0) }
        link.onClose = { [unowned self] in broke($0) }
    }

    func holds(_ id: PeerRequestID) -> Bool { underWay.contains(id) || waiting.contains { $0.id == id } }

    func send(_ id: PeerRequestID, _ frame: Frame) {
        precondition(frame.splices.isEmpty, "requests to peers carry no files")
        waiting.append((id, frame))
        if isHeld || hasEnded { return }
        if isOpen { flush() } else { dial() }
    }

    private func dial() {
        guard !isDialled else { return }
        isDialled = true
        // The table lets go of a link whose name is still being looked up when its request is given up.
        resolve(address) { [weak self] in self?.link.connect($0) }
    }

    private func opened() {
        isOpen = true
        if login != nil { logIn() } else { onReady() }
        if isHeld { link.pause() } else { flush() }
    }

    // MARK: The login

    private func logIn() {
        guard let login else { return }
        var random = PRNG(seed: SystemClock.seed())
        let client = SaslClient(login, .system, nonce: scramNonce(&random))
        loggingIn = client
        write(client.first)
    }

    private func write(_ request: SaslClient.Request) { link.write(request.frame(correlationID: 0, clientID: "login")) }

    private func continueLogin(_ client: SaslClient, _ frame: Bytes) {
        var client = client
        do throws(LoginRefusal) {
            switch try client.answered(frame) {
            case .send(let request):
                loggingIn = client
                write(request)
            case .done(let lifetimeMs):
                loggingIn = nil
                // Some time before it expires, for the clocks of both and for what is under way then.
                loginEnds = lifetimeMs > 0
                    ? SystemClock.instant().adding(milliseconds: lifetimeMs * 85 / 100) : .distantFuture
                onReady()
                flush()
            }
        } catch {
            link.fail("the login (\(login.map(String.init(describing:)) ?? "")) was refused: \(error.message ?? "")")
        }
    }

    private func flush() {
        guard loggingIn == nil, !waiting.isEmpty else { return }
        if loginEnds <= SystemClock.instant() {
            if underWay.isEmpty { logIn() }
            return
        }
        let frames = waiting
        waiting = []
        underWay += frames.map(\.id)
        for (_, frame) in frames { link.write(frame.bytes) }
    }

    private func received(_ frame: Bytes) {
        if let loggingIn { return continueLogin(loggingIn, frame) }
        guard let first = underWay.first, let correlation = try? responseCorrelationID(frame), correlation == first.correlationID else {
            return link.fail("an answer that nobody waits for")
        }
        underWay.removeFirst()
        onAnswer(first, frame)
        if underWay.isEmpty, !hasEnded, !isHeld { flush() }
    }

    private func broke(_ reason: String) {
        hasEnded = true
        if loggingIn != nil || reason.contains("TLS") { onTrouble(reason) }
        if !isHeld { end() }
    }

    private func end() {
        let lost = underWay.map { ($0, PeerFailure.lost) } + waiting.map { ($0.id, PeerFailure.refused) }
        (underWay, waiting) = ([], [])
        onEnd(lost)
    }

    /// Ends it without a word to the peer; what was under way is lost, but for `id`, which nobody waits for any more.
    func abandon(_ id: PeerRequestID) {
        underWay.removeAll { $0 == id }
        waiting.removeAll { $0.id == id }
        hasEnded = true
        link.close()
        end()
    }

    /// Ends it and tells nobody.
    func close() {
        onEnd = { _ in }
        hasEnded = true
        link.close()
    }

    func hold() {
        isHeld = true
        link.pause()
    }

    /// What waited goes on its way, and what happened meanwhile is told.
    func release() {
        guard isHeld else { return }
        isHeld = false
        if hasEnded { return end() }
        link.resume()
        guard !waiting.isEmpty, !hasEnded else { return }
        if isOpen { flush() } else { dial() }
    }
}
