import Controller
import Primitives
import Storage
import Wire

/// How handlers say what is to be done. All of it collects in `effects`, which `handle` returns.
extension Broker {
    /// Answers the request. `slices` fill the response's `Payload.external` fields in their order.
    package mutating func respond(_ context: RequestContext, _ message: some WireResponse, slices: [LogSlice] = []) {
        respond(context, message, version: context.version, slices: slices)
    }

    mutating func respond(_ context: RequestContext, _ message: some WireResponse, version: Int16, slices: [LogSlice] = []) {
        if !image.quotas.isEmpty, var throttled = message as? any ThrottledResponse {
            let bytesMs = context.header.key == .produce ? recordBytes(context.bodyBytes, .produceRate, context) : 0
            throttled.throttleTimeMs = throttle(context, alreadyMs: max(Int64(throttled.throttleTimeMs), bytesMs))
            return encode(context, throttled, version: version, slices: slices)
        }
        encode(context, message, version: version, slices: slices)
    }

    private mutating func encode(_ context: RequestContext, _ message: some WireResponse, version: Int16, slices: [LogSlice]) {
        let frame = encodeResponse(message, version: version, correlationID: context.header.correlationID)
        precondition(frame.splices.count == slices.count, "every splice of a response has its slice")
        send(context, frame, slices)
    }

    private mutating func send(_ context: RequestContext, _ frame: Frame, _ slices: [LogSlice]) {
        if let envelope = context.envelope {
            precondition(slices.isEmpty, "records are not forwarded")
            var response = EnvelopeResponse()
            response.responseData = frame.content
            return respond(context.opened(as: envelope), response)
        }
        guard let id = context.connection.loopbackRequest else {
            return end(context, .send(context.connection, frame, slices: slices))
        }
        precondition(slices.isEmpty, "a broker does not fetch from itself")
        peers.loopbackAnswers.append((id, .success(frame.bytes.dropFirst(4))))
    }

    /// Ends the request without a response.
    mutating func proceed(_ context: RequestContext) {
        _ = throttle(context, alreadyMs: recordBytes(context.bodyBytes, .produceRate, context))
        end(context, .proceed(context.connection))
    }

    /// Ends the connection: what it sent cannot be answered.
    package mutating func closeConnection(_ context: RequestContext, _ reason: String) {
        if context.envelope != nil {
            note("a forwarded request cannot be answered: \(reason)")
            return refuseEnvelope(context, .invalidRequest)
        }
        if let id = context.connection.loopbackRequest { return peers.loopbackAnswers.append((id, .failure(.lost))) }
        effects.append(.close(context.connection, reason: reason))
    }

    /// Tells the console and whoever listens.
    package mutating func emit(_ kind: ClusterEvent.Kind) {
        effects.append(.event(ClusterEvent(time: now.wall, kind: kind)))
    }

    package mutating func note(_ line: String) { effects.append(.log(line)) }
}
