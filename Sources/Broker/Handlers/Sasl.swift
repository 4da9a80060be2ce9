import Wire

/// SaslHandshake (17) and SaslAuthenticate (36): this broker's listeners are not authenticated, and like Kafka on such a listener it says
/// ILLEGAL_SASL_STATE, which clients report as a listener that does not speak SASL.
extension Broker {
    mutating func handleSaslHandshake(_ context: RequestContext, _ request: SaslHandshakeRequest) {
        var response = SaslHandshakeResponse()
        response.errorCode = .illegalSaslState
        respond(context, response)
    }

    mutating func handleSaslAuthenticate(_ context: RequestContext, _ request: SaslAuthenticateRequest) {
        var response = SaslAuthenticateResponse()
        response.errorCode = .illegalSaslState
        response.errorMessage = "This listener does not authenticate."
        respond(context, response)
    }
}
