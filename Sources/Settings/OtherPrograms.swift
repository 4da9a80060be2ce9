import Primitives

/// Configurations that people have already: read as they are, turned into contexts in Kafka's own keys.
package enum OtherProgram: String, CaseIterable, Sendable {
    case kaf, kafkactl, rpk, kcat

    package static var names: [String] { allCases.map(\.rawValue) }

    /// Where the program looks for it, the first that exists counts; `home` and variables of the environment, looked up by name.
    package func paths(_ environment: (String) -> String?) -> [String] {
        let home = environment("HOME") ?? "."
        let config = environment("XDG_CONFIG_HOME").flatMap { $0.hasPrefix("/") ? $0 : nil } ?? "\(home)/.config"
        switch self {
        case .kaf: return ["\(home)/.kaf/config"]
        case .kafkactl:
            return [environment("KAFKA_CTL_CONFIG")].compactMap { $0 }
                + ["\(home)/.config/kafkactl/config.yml", "\(home)/.kafkactl/config.yml", "/etc/kafkactl/config.yml"]
        case .rpk: return [environment("RPK_CONFIG")].compactMap { $0 } + ["\(config)/rpk/rpk.yaml", "\(home)/.config/rpk/rpk.yaml"]
        case .kcat:
            return [environment("KCAT_CONFIG"), environment("KAFKACAT_CONFIG")].compactMap { $0 }
                + ["\(home)/.config/kcat.conf", "\(home)/.config/kafkacat.conf"]
        }
    }

    /// The contexts of its file, named as there. Keys we do not know are left aside: it is another program's file.
    package func contexts(_ text: String, path: String) throws(YAML.Failure) -> [ContextSpec] {
        switch self {
        case .kaf: try OtherProgram.kaf(YAML.parse(text), path)
        case .kafkactl: try OtherProgram.kafkactl(YAML.parse(text), path)
        case .rpk: try OtherProgram.rpk(YAML.parse(text), path)
        case .kcat: [OtherProgram.kcat(text, path)]
        }
    }

    // MARK: kaf

    private static func kaf(_ root: YAML, _ path: String) throws(YAML.Failure) -> [ContextSpec] {
        guard let clusters = root["clusters"], !clusters.isNull else { return [] }
        guard let list = clusters.list else { throw YAML.Failure(line: clusters.line, "clusters is to be a list") }
        return list.compactMap { node in
            guard let name = node["name"]?.text else { return nil }
            var spec = ContextSpec(name: name, origin: SettingOrigin(path, node.line))
            spec.setServers(node["brokers"])
            let wanted = node["security-protocol"]?.text?.uppercased() ?? ""
            let (sasl, tls) = (node["SASL"], node["TLS"])
            let logsIn = wanted.hasPrefix("SASL") || sasl.map { !$0.isNull && $0["mechanism"]?.text?.isEmpty == false } ?? false
            let encrypts = wanted.hasSuffix("SSL") || tls.map { !$0.isNull } ?? false
            spec.setProtocol(logsIn: logsIn, encrypts: encrypts, node.line)
            if encrypts, let tls {
                spec.setTLS(ca: tls["cafile"], certificate: tls["clientfile"], key: tls["clientkeyfile"], insecure: tls["insecure"])
            }
            if logsIn, let sasl {
                let mechanism = sasl["mechanism"]?.text ?? "PLAIN"
                spec.setLogin(mechanism.uppercased(), sasl["username"], sasl["password"], sasl.line)
                if mechanism.uppercased() == "OAUTHBEARER" {
                    spec.set("sasl.oauthbearer.token", sasl["token"]?.text, sasl["token"]?.line ?? 0)
                    if sasl["tokenURL"]?.text?.isEmpty == false {
                        spec.notes.append("Tokens from an endpoint are not fetched: set kastellan.oauthbearer.token.command.")
                    }
                }
            }
            return spec
        }
    }

    // MARK: kafkactl

    private static let kafkactlMechanisms = [
        ("plaintext", "PLAIN"), ("scram-sha256", "SCRAM-SHA-256"), ("scram-sha512", "SCRAM-SHA-512"), ("oauth", "OAUTHBEARER"),
    ]

    private static func kafkactl(_ root: YAML, _ path: String) throws(YAML.Failure) -> [ContextSpec] {
        guard let contexts = root["contexts"] else { return [] }
        return try contexts.entries(of: "contexts").map { entry in
            let node = entry.value
            var spec = ContextSpec(name: entry.key, origin: SettingOrigin(path, entry.line))
            spec.setServers(node["brokers"])
            spec.set("client.id", node["clientID"]?.text, node["clientID"]?.line ?? 0)
            let logsIn = node.at("sasl.enabled")?.bool ?? false
            let encrypts = node.at("tls.enabled")?.bool ?? false
            spec.setProtocol(logsIn: logsIn, encrypts: encrypts, entry.line)
            if encrypts, let tls = node["tls"] {
                spec.setTLS(ca: tls["ca"], certificate: tls["cert"], key: tls["certKey"], insecure: tls["insecure"])
            }
            if logsIn, let sasl = node["sasl"] {
                let word = sasl["mechanism"]?.text ?? "plaintext"
                let mechanism = kafkactlMechanisms.first { $0.0 == word }?.1 ?? word.uppercased()
                spec.setLogin(mechanism, sasl["username"], sasl["password"], sasl.line)
                if mechanism == "OAUTHBEARER" { spec.setTokenProvider(sasl["tokenprovider"]) }
            }
            if node.at("kubernetes.enabled")?.bool == true {
                spec.notes.append("It works inside Kubernetes, which this program does not do: make the brokers reachable.")
            }
            return spec
        }
    }

    // MARK: rpk

    private static func rpk(_ root: YAML, _ path: String) throws(YAML.Failure) -> [ContextSpec] {
        guard let profiles = root["profiles"], !profiles.isNull else { return [] }
        guard let list = profiles.list else { throw YAML.Failure(line: profiles.line, "profiles is to be a list") }
        return list.compactMap { node in
            guard let name = node["name"]?.text, let kafka = node["kafka_api"] else { return nil }
            var spec = ContextSpec(name: name, origin: SettingOrigin(path, node.line))
            spec.setServers(kafka["brokers"])
            // An empty map turns TLS on, as in rpk.
            let tls = kafka["tls"].flatMap { node -> YAML? in
                if case .map = node.value { node } else { nil }
            }
            let user = kafka.at("sasl.user")?.text ?? ""
            spec.setProtocol(logsIn: !user.isEmpty, encrypts: tls != nil, kafka.line)
            if let tls {
                spec.setTLS(
                    ca: tls["ca_file"] ?? tls["truststore_file"], certificate: tls["cert_file"], key: tls["key_file"],
                    insecure: tls["insecure_skip_verify"])
            }
            if !user.isEmpty, let sasl = kafka["sasl"] {
                spec.setLogin(sasl["mechanism"]?.text?.uppercased() ?? "SCRAM-SHA-256", sasl["user"], sasl["password"], sasl.line)
            }
            return spec
        }
    }

    // MARK: kcat

    /// librdkafka's keys, one a line; all it has is one cluster.
    private static func kcat(_ text: String, _ path: String) -> ContextSpec {
        var spec = ContextSpec(name: "default", origin: SettingOrigin(path))
        let lines = text.split(separator: "\n", omittingEmptySubsequences: false)
        for (index, line) in lines.enumerated() {
            let line = trimmed(line)
            guard !line.hasPrefix("#"), let equals = line.firstIndex(of: "=") else { continue }
            let key = trimmed(line[..<equals])
            spec.set(
                key == "metadata.broker.list" ? "bootstrap.servers" : String(key), String(trimmed(line[line.index(after: equals)...])),
                index + 1)
        }
        return spec
    }

    private static func trimmed(_ text: Substring) -> Substring {
        var text = text.drop { $0.isWhitespace }
        while let last = text.last, last.isWhitespace { text.removeLast() }
        return text
    }
}

extension ContextSpec {
    fileprivate mutating func setServers(_ node: YAML?) {
        set("bootstrap.servers", node?.texts?.joined(separator: ","), node?.line ?? 0)
    }

    fileprivate mutating func setProtocol(logsIn: Bool, encrypts: Bool, _ line: Int) {
        guard logsIn || encrypts else { return }
        set("security.protocol", logsIn ? (encrypts ? "SASL_SSL" : "SASL_PLAINTEXT") : "SSL", line)
    }

    fileprivate mutating func setTLS(ca: YAML?, certificate: YAML?, key: YAML?, insecure: YAML?) {
        for (name, node) in [("ssl.ca.location", ca), ("ssl.certificate.location", certificate), ("ssl.key.location", key)] {
            set(name, node?.text, node?.line ?? 0)
        }
        if insecure?.bool == true { set("enable.ssl.certificate.verification", "false", insecure?.line ?? 0) }
    }

    fileprivate mutating func setLogin(_ mechanism: String, _ user: YAML?, _ password: YAML?, _ line: Int) {
        set("sasl.mechanism", mechanism, line)
        set("sasl.username", user?.text, user?.line ?? 0)
        set("sasl.password", password?.text, password?.line ?? 0)
    }

    /// kafkactl's generic provider is a script that prints the token.
    fileprivate mutating func setTokenProvider(_ provider: YAML?) {
        guard let options = provider?["options"], let script = options["script"]?.text else {
            notes.append("Its token provider cannot be taken over: set kastellan.oauthbearer.token.command.")
            return
        }
        let words = [script] + (options["args"]?.texts ?? [])
        set("kastellan.oauthbearer.token.command", words.map { "'" + $0.filter { $0 != "'" } + "'" }.joined(separator: " "), options.line)
    }
}
