import Primitives
import Wire

/// UpdateFeatures: the levels that the whole cluster works at (KIP-584, KIP-778). All of a request or nothing.
extension Controller {
    /// `supported`: what this build knows levels of; `nodeID`: as which controller it answers.
    package func decideUpdateFeatures(
        _ request: UpdateFeaturesRequest, supported: [BrokerRegistration.Feature], nodeID: BrokerID
    ) -> Decision<UpdateFeaturesResponse> {
        var decision = Decision(response: UpdateFeaturesResponse())
        do throws(APIFailure) {
            for update in request.featureUpdates {
                if let record = try decideUpdate(update, supported, nodeID) { decision.records.append(record) }
            }
        } catch {
            let message = "The update failed for all features since the following feature had an error: \(error.message ?? "")"
            return Decision(response: request.answered(error.code, message))
        }
        if request.validateOnly { decision.records = [] }
        decision.response = request.answered(.none, nil)
        return decision
    }

    /// Nil where the feature is at that level already.
    private func decideUpdate(
        _ update: UpdateFeaturesRequest.FeatureUpdate, _ supported: [BrokerRegistration.Feature], _ nodeID: BrokerID
    ) throws(APIFailure) -> MetadataRecord? {
        let (name, level) = (update.feature, update.maxVersionLevel)
        func refusal(_ why: String) -> APIFailure {
            APIFailure(.invalidUpdateVersion, "Invalid update version \(level) for feature \(name). \(why)")
        }
        // Version 0 had only a word for whether the level may fall.
        let type: Int8 = update.allowDowngrade ? 2 : update.upgradeType
        guard (1...3).contains(type) else { throw refusal("The controller does not support the given upgrade type.") }
        if level < 0 { throw refusal("A feature version cannot be less than 0.") }
        if let why = unsupported(name, level, supported, nodeID) { throw refusal(why) }
        let present = image.features[name] ?? 0
        if level < present, type == 1 {
            throw refusal(
                "Can't downgrade the version of this feature without setting the upgrade type to either safe or unsafe downgrade.")
        }
        if level > present, type != 1 { throw refusal("Can't downgrade to a newer version.") }
        if name == "metadata.version", level < present {
            let why = type == 3
                ? "Unsafe metadata downgrade is not supported in this version."
                : "Refusing to perform the requested downgrade because it might delete metadata information."
            throw APIFailure(
                .invalidUpdateVersion, "Unsupported metadata.version downgrade from \(present) to \(level). \(why)")
        }
        return level == present ? nil : MetadataRecords.featureLevel(name, level)
    }

    /// Why the cluster cannot work at that level: this controller or one of the brokers does not know it.
    private func unsupported(
        _ name: String, _ level: Int16, _ supported: [BrokerRegistration.Feature], _ nodeID: BrokerID
    ) -> String? {
        if let why = unsupported(name, level, supported, "Local controller \(nodeID)") { return why }
        for broker in image.brokers.values {
            if let why = unsupported(name, level, broker.features, "Broker \(broker.id)") { return why }
        }
        return nil
    }

    private func unsupported(
        _ name: String, _ level: Int16, _ features: [BrokerRegistration.Feature], _ who: String
    ) -> String? {
        guard let feature = features.first(where: { $0.name == name }) else {
            return level == 0 && image.features[name] != nil ? nil : "\(who) does not support this feature."
        }
        if level == 0 && feature.minVersion > 0 || level >= feature.minVersion && level <= feature.maxVersion { return nil }
        return "\(who) only supports versions \(feature.minVersion)-\(feature.maxVersion)"
    }
}

extension UpdateFeaturesRequest {
    /// Up to version 1 each feature is told the same by itself.
    package func answered(_ code: ErrorCode, _ message: String?) -> UpdateFeaturesResponse {
        var response = UpdateFeaturesResponse()
        (response.errorCode, response.errorMessage) = (code, message)
        response.results = featureUpdates.map { update in
            var result = UpdateFeaturesResponse.Result()
            (result.feature, result.errorCode, result.errorMessage) = (update.feature, code, message)
            return result
        }
        return response
    }
}
