import Broker
import Primitives
import Reactor
import Wire

/// One connection to another node: opened with the first request, kept until it breaks or is given up. Requests leave in order, and
/// their answers come in that order. Owner: the broker's loop.
///
/// Ends once, by `onEnd`; until then every request it took is answered, or among those that `onEnd` names.
final class PeerLink {
    let address: PeerAddress
    /// The response frame without its size.
    var onAnswer: (PeerRequestID, Bytes) -> Void = { _, _ in }
    /// What was under way, and why there will be no answers.
    var onEnd: ([(PeerRequestID, PeerFailure)]) -> Void = { _ in }

    private let loop: EventLoop
    private let link: Link
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
        _ address: PeerAddress, _ loop: EventLoop, frameBytesMax: Int,
        resolve: @escaping (PeerAddress, @escaping ([SocketAddress]) -> Void) -> Void
    ) {
        self.address = address
        self.loop = loop
        self.resolve = resolve
        link = Link(loop, frameBytesMax: frameBytesMax)
        link.onOpen = { [unowned self] in opened() }
        link.onFrame = { [unowned self] in received($0) }
        link.onClose = { [unowned self] _ in broke() }
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
        if isHeld { link.pause() } else { flush() }
    }

    private func flush() {
        let frames = waiting
        waiting = []
        underWay += frames.map(\.id)
        for (_, frame) in frames { link.write(frame.bytes) }
    }

    private func received(_ frame: Bytes) {
        guard let first = underWay.first, let correlation = try? responseCorrelationID(frame), correlation == first.correlationID else {
            return link.fail("an answer that nobody waits for")
        }
        underWay.removeFirst()
        onAnswer(first, frame)
    }

    private func broke() {
        hasEnded = true
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
