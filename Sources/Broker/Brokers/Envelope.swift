import Controller
import Primitives
import Wire

/// Envelope (58), version 0: requests that only the active controller can answer, handed on by the broker that a client asked (KIP-590).
/// Whom the request is made for, and from where, is passed on: what is inside is allowed or refused as if they had asked here.
extension Broker {
    /// Hands a request to the active controller, wherever that is by then. One that came over the controllers' listener, or was handed on
    /// already, is not handed on again: whoever sent it looks for the controller itself.
    mutating func forward(_ context: RequestContext, _ route: Route) {
        if context.envelope != nil { return refuseEnvelope(context, .notController) }
        if config.isController(context.listener) || context.connection.loopbackRequest != nil {
            return refuse(context, route, .notController)
        }
        var envelope = EnvelopeRequest()
        envelope.requestData = encodeRequest(context.header, body: context.body)
        envelope.requestPrincipal = EnvelopePrincipal(context.principal).encoded()
        envelope.clientHostAddress = Broker.addressBytes(context.clientHost)
        askController(envelope, version: 0, for: context.connection) { broker, result in
            guard case .success(let response) = result else { return broker.refuse(context, route, .requestTimedOut) }
            guard let data = response.responseData, !response.errorCode.isError else {
                return broker.refuse(context, route, response.errorCode.isError ? response.errorCode : .unknownServerError)
            }
            broker.muteAsTold(context, data)
            var frame = ByteWriter()
            frame.integer(Int32(data.count))
            frame.bytes(data)
            broker.effects.append(.send(context.connection, Frame(bytes: frame.finish()), slices: []))
        }
    }

    /// The controller's answer says for how long the client is to be still; the one that holds its connection sees to it.
    private mutating func muteAsTold(_ context: RequestContext, _ response: Bytes) {
        guard !image.quotas.isEmpty, let key = context.header.key, [.createTopics, .deleteTopics, .createPartitions].contains(key) else {
            return
        }
        // First in the body, after a correlation id, and in flexible versions an empty list of tags.
        let place = key.isFlexible(context.version) ? 5 : 4
        guard response.count >= place + 4 else { return }
        let milliseconds = Int64(response.load(place, as: Int32.self))
        if milliseconds > 0 { effects.append(.mute(context.connection, milliseconds: milliseconds)) }
    }

    private mutating func refuse(_ context: RequestContext, _ route: Route, _ code: ErrorCode) {
        do throws(WireError) {
            guard let refuse = route.refuse else { return closeConnection(context, "\(route.key.name) needs the active controller") }
            try refuse(&self, context, code)
        } catch {
            closeConnection(context, "malformed \(route.key.name) request, version \(context.version): \(error)")
        }
    }

    mutating func handleEnvelope(_ context: RequestContext, _ request: EnvelopeRequest) {
        var inner: RequestContext
        do throws(WireError) {
            let (header, body) = try RequestHeader.decode(request.requestData)
            let principal = try request.requestPrincipal.map { bytes throws(WireError) in try EnvelopePrincipal.decode(bytes).principal }
            inner = RequestContext(
                connection: context.connection, header: header, body: body, clientHost: Broker.addressText(request.clientHostAddress),
                listener: context.listener, receivedAt: context.receivedAt,
                principal: principal ?? .anonymous)
            inner.envelope = context.header
        } catch {
            return refuseEnvelope(context, .invalidRequest)
        }
        guard isActiveController else { return refuseEnvelope(inner, .notController) }
        guard let route = RouteTable.route(inner.header.apiKey), route.scope == .activeController else {
            return refuseEnvelope(inner, .invalidRequest)
        }
        guard route.key.controllerVersions?.contains(inner.version) == true else { return refuseEnvelope(inner, .unsupportedVersion) }
        do throws(WireError) {
            try route.handler(&self, inner)
        } catch {
            refuseEnvelope(inner, .invalidRequest)
        }
    }

    /// Answers an envelope, or what was inside one, with an error of the envelope itself.
    mutating func refuseEnvelope(_ context: RequestContext, _ code: ErrorCode) {
        var response = EnvelopeResponse()
        response.errorCode = code
        respond(context.envelope.map { context.opened(as: $0) } ?? context, response)
    }

    /// An address as its 4 or 16 bytes; of one that is no numeric address, those of nowhere.
    static func addressBytes(_ text: String) -> Bytes {
        let parts = text.split(separator: ".", omittingEmptySubsequences: false).compactMap { UInt8($0) }
        if parts.count == 4 { return Bytes(parts) }
        return Bytes(IPv6Text.bytes(text) ?? [0, 0, 0, 0])
    }

    static func addressText(_ bytes: Bytes) -> String {
        if bytes.count == 4 { return (0..<4).map { String(bytes.load($0, as: UInt8.self)) }.joined(separator: ".") }
        guard bytes.count == 16 else { return "" }
        return stride(from: 0, to: 16, by: 2).map { String(bytes.load($0, as: UInt16.self), radix: 16) }.joined(separator: ":")
    }
}

extension RequestContext {
    /// The envelope that this request came in, as a request to answer.
    func opened(as envelope: RequestHeader) -> RequestContext {
        RequestContext(
            connection: connection, header: envelope, body: .empty, clientHost: clientHost, listener: listener, receivedAt: receivedAt)
    }
}

/// IPv6 addresses as text: eight groups, of which one run of zeros may be left out.
enum IPv6Text {
    static func bytes(_ text: String) -> [UInt8]? {
        guard let gap = text.firstRange(of: "::") else { return groups(text[...]).flatMap { $0.count == 16 ? $0 : nil } }
        guard let head = groups(text[..<gap.lowerBound]), let tail = groups(text[gap.upperBound...]), head.count + tail.count <= 14 else {
            return nil
        }
        return head + [UInt8](repeating: 0, count: 16 - head.count - tail.count) + tail
    }

    private static func groups(_ text: Substring) -> [UInt8]? {
        guard !text.isEmpty else { return [] }
        var bytes: [UInt8] = []
        for group in text.split(separator: ":", omittingEmptySubsequences: false) {
            guard let value = UInt16(group, radix: 16) else { return nil }
            bytes += [UInt8(value >> 8), UInt8(value & 0xff)]
        }
        return bytes
    }
}
