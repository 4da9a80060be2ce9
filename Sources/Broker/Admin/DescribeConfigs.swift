import Controller
import Primitives
import Wire

/// DescribeConfigs (32), versions 1 to 4: the settings of topics, this broker, all brokers, with who decided each. No keys, or none named:
/// all of them. Loggers have one level.
extension Broker {
    mutating func handleDescribeConfigs(_ context: RequestContext, _ request: DescribeConfigsRequest) {
        var response = DescribeConfigsResponse()
        // Each resource once: a short request must not ask for the same long answer a million times.
        var seen: Set<String> = []
        let resources = request.resources.filter { seen.insert("\($0.resourceType) \($0.resourceName)").inserted }
        response.results = resources.map { resource in
            var result = DescribeConfigsResponse.Result()
            result.resourceType = resource.resourceType
            result.resourceName = resource.resourceName
            do throws(APIFailure) {
                let wanted = resource.configurationKeys ?? []
                if let code = configRefusal(.describeConfigs, resource.resourceType, resource.resourceName, context) {
                    throw APIFailure(code, code.message)
                }
                let configs = try describedConfigs(resource.resourceType, resource.resourceName)
                result.configs = configs.filter { wanted.isEmpty || wanted.contains($0.name) }.map { row($0, request) }
                result.errorMessage = ""
            } catch {
                result.errorCode = error.code
                result.errorMessage = error.message ?? ""
            }
            return result
        }
        respond(context, response)
    }

    /// Why the caller may not read or change a resource's settings; nil where it may. Settings of brokers, loggers and client metrics are
    /// the cluster's.
    func configRefusal(_ operation: AccessOperation, _ type: Int8, _ name: String, _ context: RequestContext) -> ErrorCode? {
        switch ConfigResourceType(rawValue: type) {
        case .topic: isAllowed(operation, .topic, name, context) ? nil : .topicAuthorizationFailed
        case .group: isAllowed(operation, .group, name, context) ? nil : .groupAuthorizationFailed
        case .broker, .brokerLogger, .clientMetrics: isAllowed(operation, context) ? nil : .clusterAuthorizationFailed
        case nil: nil
        }
    }

    private func row(_ config: DescribedConfig, _ request: DescribeConfigsRequest) -> DescribeConfigsResponse.Config {
        var row = DescribeConfigsResponse.Config()
        row.name = config.name
        row.value = config.value
        row.readOnly = config.isReadOnly
        row.configSource = config.source.rawValue
        row.isSensitive = config.isSensitive
        row.configType = config.type?.rawValue ?? 0
        if request.includeSynonyms {
            row.synonyms = config.synonyms.map { other in
                var synonym = DescribeConfigsResponse.Synonym()
                synonym.name = other.name
                synonym.value = other.value
                synonym.source = other.source.rawValue
                return synonym
            }
        }
        if request.includeDocumentation { row.documentation = config.documentation }
        return row
    }

    private func describedConfigs(_ type: Int8, _ name: String) throws(APIFailure) -> [DescribedConfig] {
        switch ConfigResourceType(rawValue: type) {
        case .topic:
            if let problem = TopicNames.problem(name) { throw APIFailure(.invalidTopicException, problem) }
            guard image.topic(name) != nil else { throw APIFailure(.unknownTopicOrPartition) }
            return ConfigResolution.describeTopic(overrides: image.topicConfig(name), broker: config)
        case .broker:
            if name.isEmpty { return ConfigResolution.describeBrokerDefaults(config) }
            try checkOwn(name, " or empty string")
            return ConfigResolution.describeBroker(config)
        case .brokerLogger:
            try checkOwn(name, "")
            return [ConfigResolution.rootLogger]
        case .group:
            if name.isEmpty { throw APIFailure(.invalidRequest, "Default group resources are not allowed.") }
            return ConfigResolution.describeGroup(overrides: image.config(ConfigResource(.group, name)), broker: config)
        case .clientMetrics:
            if name.isEmpty { throw APIFailure(.invalidRequest, "Client metrics subscription name must not be empty") }
            return image.config(ConfigResource(.clientMetrics, name)).map { key, value in
                DescribedConfig(name: key, value: value, source: .clientMetrics)
            }
        case nil:
            throw APIFailure(
                .invalidRequest,
                "This most likely occurs because of a request being malformed by the client library or the message was sent to an "
                    + "incompatible broker. See the broker logs for more details.")
        }
    }

    /// Whether the name is this broker's number: others' settings are theirs to tell.
    private func checkOwn(_ name: String, _ alternative: String) throws(APIFailure) {
        guard let id = Int32(name) else { throw APIFailure(.invalidRequest, "Broker id must be an integer, but it is: \(name)") }
        guard BrokerID(id) != brokerID else { return }
        throw APIFailure(.invalidRequest, "Unexpected broker id, expected \(brokerID)\(alternative), but received \(name)")
    }
}
