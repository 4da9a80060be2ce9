import Wire

/// SaslHandshake (17) and SaslAuthenticate (36) outside a login: the listener asks for none, or the connection is logged in already and
/// logins do not expire. What belongs to a login never gets here (Authentication.swift).
extension Broker {
    mutating func handleSaslHandshake(_ context: RequestContext, _ request: SaslHandshakeRequest) {
        var response = SaslHandshakeResponse()
        response.errorCode = .illegalSaslState
        respond(context, response)
    }

    mutating func handleSaslAuthenticate(_ context: RequestContext, _ request: SaslAuthenticateRequest) {
        var response = SaslAuthenticateResponse()
        response.errorCode = .illegalSaslState
        response.errorMessage = "SaslAuthenticate request received after successful authentication"
        respond(context, response)
    }
}
