import Controller
import Primitives
import Wire

/// ListConfigResources (74), versions 0 to 1: what has settings (KIP-1142): topics and brokers always, groups and client metrics where
/// somebody set some. Version 0 asks for client metrics alone; no types are all of them.
extension Broker {
    mutating func handleListConfigResources(_ context: RequestContext, _ request: ListConfigResourcesRequest) {
        var response = ListConfigResourcesResponse()
        let asked = context.version == 0 ? [ConfigResourceType.clientMetrics.rawValue] : request.resourceTypes
        let types = asked.isEmpty ? Broker.listedTypes : asked.compactMap { ConfigResourceType(rawValue: $0) }
        if !isAllowed(.describeConfigs, context) {
            response.errorCode = .clusterAuthorizationFailed
        } else if types.count < asked.count {
            response.errorCode = .unsupportedVersion
        } else {
            for (index, type) in types.enumerated() where !types[..<index].contains(type) {
                response.configResources += configured(type).map { name in
                    var resource = ListConfigResourcesResponse.ConfigResource()
                    (resource.resourceName, resource.resourceType) = (name, type.rawValue)
                    return resource
                }
            }
        }
        respond(context, response)
    }

    private static let listedTypes: [ConfigResourceType] = [.group, .clientMetrics, .brokerLogger, .broker, .topic]

    private func configured(_ type: ConfigResourceType) -> [String] {
        switch type {
        case .topic: image.topics.keys
        case .broker, .brokerLogger: image.brokers.keys.map { "\($0)" }
        case .group, .clientMetrics: image.configs.keys.filter { $0.type == type }.map(\.name)
        }
    }
}
