/// The keys of encrypted and authenticated listeners. Each may stand with `listener.name.NAME.` before it, for one listener alone; they are
/// read when the node starts.
extension BrokerConfigDefinitions {
    static var tlsKeys: [ConfigDefinition] {
        [
            ConfigDefinition("ssl.keystore.type", .string, "JKS", "The form of the key and certificate; PEM is supported."),
            ConfigDefinition("ssl.keystore.location", .string, nil, "The file with this node's key and certificates, PEM."),
            ConfigDefinition("ssl.keystore.certificate.chain", .password, nil, "This node's certificate and those above it, as PEM text."),
            ConfigDefinition("ssl.keystore.key", .password, nil, "This node's key, as PEM text."),
            ConfigDefinition(
                "ssl.keystore.password", .password, nil, hasEffect: false, "The password of a keystore of another form than PEM."),
            ConfigDefinition("ssl.key.password", .password, nil, "The password of the key."),
            ConfigDefinition("ssl.truststore.type", .string, "JKS", "The form of the certificates believed; PEM is supported."),
            ConfigDefinition("ssl.truststore.location", .string, nil, "The file with the certificates believed, PEM."),
            ConfigDefinition("ssl.truststore.certificates", .password, nil, "The certificates believed, as PEM text."),
            ConfigDefinition(
                "ssl.truststore.password", .password, nil, hasEffect: false, "The password of a truststore of another form than PEM."),
            ConfigDefinition(
                "ssl.client.auth", .string, "none", .oneOf(["required", "requested", "none"]), "Whether clients show a certificate."),
            ConfigDefinition("ssl.enabled.protocols", .list, "TLSv1.2,TLSv1.3", "The versions of TLS spoken."),
            ConfigDefinition("ssl.cipher.suites", .list, "", "The cipher suites used; the library's own choice, where none are named."),
            ConfigDefinition(
                "ssl.endpoint.identification.algorithm", .string, "https",
                "Whether a node compares another's name with its certificate: https, or nothing."),
            ConfigDefinition(
                "ssl.principal.mapping.rules", .string, "DEFAULT", "How the name in a client's certificate becomes a user's."),
        ]
    }

    static var saslKeys: [ConfigDefinition] {
        [
            ConfigDefinition("sasl.enabled.mechanisms", .list, "PLAIN,SCRAM-SHA-256,SCRAM-SHA-512", "The SASL mechanisms offered."),
            ConfigDefinition("sasl.mechanism.inter.broker.protocol", .string, "PLAIN", "The SASL mechanism between brokers."),
            ConfigDefinition("sasl.mechanism.controller.protocol", .string, "PLAIN", "The SASL mechanism with controllers."),
            ConfigDefinition(
                "sasl.jaas.config", .password, nil, hasEffect: false,
                "Credentials for SASL; of a node only with listener.name.NAME.MECHANISM. before it."),
            ConfigDefinition(
                "sasl.server.max.receive.size", .int, "524288", .atLeast(1), "The largest request before somebody has logged in."),
            ConfigDefinition(
                "connections.max.reauth.ms", .long, "0", .atLeast(0),
                "How long a login lasts before the client must log in again (KIP-368); 0 is for ever."),
            ConfigDefinition(
                "connection.failed.authentication.delay.ms", .int, "100", .atLeast(0),
                "How long a refused login waits for its answer, against guessing."),
        ]
    }
}
