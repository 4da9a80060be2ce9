import Controller
import Primitives
import Wire

/// ApiVersions (18), versions 0 to 4: what this broker serves, from the table of routes. A version we do not know is answered with a body
/// of version 0 and error 35, listing what there is (KIP-511). Before authentication allowed.
extension Broker {
    mutating func handleApiVersions(_ context: RequestContext, _ request: ApiVersionsRequest) {
        var response = ApiVersionsResponse()
        if context.version >= 3, !isSoftwareName(request.clientSoftwareName) || !isSoftwareName(request.clientSoftwareVersion) {
            response.errorCode = .invalidRequest
            return respond(context, response)
        }
        if context.version >= 3 { noteSoftware(context, request) }
        response.apiKeys = advertisedKeys(context)
        if context.version >= 3 { addFeatures(context, to: &response) }
        respond(context, response)
    }

    mutating func refuseApiVersions(_ context: RequestContext) {
        var response = ApiVersionsResponse()
        response.apiKeys = advertisedKeys(context)
        let frame = encodeUnsupportedAPIVersions(response, correlationID: context.header.correlationID)
        effects.append(.send(context.connection, frame, slices: []))
    }

    /// The features this build knows levels of, and at which level the metadata log has finalized each. Before version 4 a feature whose
    /// least level is 0 cannot be told (KAFKA-17011).
    private func addFeatures(_ context: RequestContext, to response: inout ApiVersionsResponse) {
        guard image.features["metadata.version"] != nil else { return }
        for feature in Broker.supportedFeatures {
            if feature.minVersion > 0 || context.version >= 4 {
                var supported = ApiVersionsResponse.SupportedFeature()
                (supported.name, supported.minVersion, supported.maxVersion) = (feature.name, feature.minVersion, feature.maxVersion)
                response.supportedFeatures.append(supported)
            }
            guard let level = image.features[feature.name] else { continue }
            var finalized = ApiVersionsResponse.FinalizedFeature()
            (finalized.name, finalized.minVersionLevel, finalized.maxVersionLevel) = (feature.name, level, level)
            response.finalizedFeatures.append(finalized)
        }
        response.finalizedFeaturesEpoch = image.appliedOffset.rawValue
    }

    /// 3.3-IV3, the first level with which Kafka 4 can start.
    static let metadataVersionMin: Int16 = 7

    /// What is served on the listener that the question came in on.
    private func advertisedKeys(_ context: RequestContext) -> [ApiVersionsResponse.Key] {
        let onController = config.isController(context.listener)
        return RouteTable.routes.compactMap { route in
            guard let versions = onController ? route.key.controllerVersions : route.key.advertisedVersions else { return nil }
            var key = ApiVersionsResponse.Key()
            key.apiKey = route.key.rawValue
            key.minVersion = versions.lowerBound
            key.maxVersion = versions.upperBound
            return key
        }
    }

    /// KIP-511: letters, digits, and between them dots and dashes.
    private func isSoftwareName(_ name: String) -> Bool {
        let bytes = Array(name.utf8)
        func isAlphanumeric(_ byte: UInt8) -> Bool {
            (0x30...0x39).contains(byte) || (0x41...0x5a).contains(byte) || (0x61...0x7a).contains(byte)
        }
        guard let first = bytes.first, let last = bytes.last, isAlphanumeric(first), isAlphanumeric(last) else { return false }
        return bytes.allSatisfy { isAlphanumeric($0) || $0 == UInt8(ascii: ".") || $0 == UInt8(ascii: "-") }
    }
}
