import Primitives

/// The type of a setting, with the number DescribeConfigs sends for it (v3+).
package enum ConfigType: Int8, Sendable {
    case boolean = 1
    case string = 2
    case int = 3
    case short = 4
    case long = 5
    case double = 6
    case list = 7
    case password = 9

    /// Kafka's name, as its messages say it.
    package var name: String {
        switch self {
        case .boolean: "BOOLEAN"
        case .string: "STRING"
        case .int: "INT"
        case .short: "SHORT"
        case .long: "LONG"
        case .double: "DOUBLE"
        case .list: "LIST"
        case .password: "PASSWORD"
        }
    }
}

/// Where a setting's value comes from, with the number DescribeConfigs sends (v1+). Lower in this list yields to higher in effect.
package enum ConfigSource: Int8, Sendable {
    case topic = 1
    case dynamicBroker = 2
    case dynamicDefaultBroker = 3
    case staticBroker = 4
    case defaultValue = 5
    case brokerLogger = 6
    case clientMetrics = 7
    case group = 8
}

/// A setting's value, parsed.
package enum ConfigValue: Equatable, Sendable {
    case null
    case boolean(Bool)
    case integer(Int64)
    case double(Double)
    case text(String)
    case list([String])
}

/// What a value must satisfy beyond its type.
package enum ConfigValidator: Equatable, Sendable {
    case any
    case atLeast(Int64)
    case between(Int64, Int64)
    /// For doubles, inclusive.
    case fraction(Double, Double)
    /// A string, or each element of a list, must be one of these.
    case oneOf([String])
    case notEmpty
    /// `partition:broker` pairs, or "*", or nothing (KIP-73).
    case throttledReplicas
}

/// Whether a broker key can be changed while the broker runs, and for whom.
package enum ConfigUpdateMode: Equatable, Sendable {
    case readOnly
    case perBroker
    case clusterWide
}

/// Why a value was refused. `message` is Kafka's own wording.
package struct ConfigValueError: Error, Equatable, Sendable {
    package var message: String

    package init(message: String) { self.message = message }
}

/// One setting: what it is called, what it may be, what it is when nobody says so, and what it does.
package struct ConfigDefinition: Equatable, Sendable {
    package var name: String
    package var type: ConfigType
    /// The default as text; nil where the default is "not set".
    package var defaultText: String?
    package var validator: ConfigValidator
    package var updateMode: ConfigUpdateMode
    /// False for keys that are accepted so that people's files work, though this broker has no use for them.
    package var hasEffect: Bool
    package var documentation: String

    package init(
        _ name: String, _ type: ConfigType, _ defaultText: String?, _ validator: ConfigValidator,
        _ updateMode: ConfigUpdateMode, hasEffect: Bool = true, _ documentation: String
    ) {
        self.name = name
        self.type = type
        self.defaultText = defaultText
        self.validator = validator
        self.updateMode = updateMode
        self.hasEffect = hasEffect
        self.documentation = documentation
    }

    package init(
        _ name: String, _ type: ConfigType, _ defaultText: String?, _ validator: ConfigValidator, hasEffect: Bool = true,
        _ documentation: String
    ) {
        self.init(name, type, defaultText, validator, .readOnly, hasEffect: hasEffect, documentation)
    }

    package init(_ name: String, _ type: ConfigType, _ defaultText: String?, hasEffect: Bool = true, _ documentation: String) {
        self.init(name, type, defaultText, .any, .readOnly, hasEffect: hasEffect, documentation)
    }

    package var isSensitive: Bool { type == .password }

    /// The value that `text` means, or the error Kafka would give.
    package func parse(_ text: String) throws(ConfigValueError) -> ConfigValue {
        let trimmed = trim(text)
        let value: ConfigValue
        switch type {
        case .boolean:
            switch trimmed.lowercased() {
            case "true": value = .boolean(true)
            case "false": value = .boolean(false)
            default: throw invalid(text, "Expected value to be either true or false")
            }
        case .int: value = .integer(try number(text, trimmed, Int32.self))
        case .short: value = .integer(try number(text, trimmed, Int16.self))
        case .long: value = .integer(try number(text, trimmed, Int64.self))
        case .double:
            guard let double = Double(trimmed), !double.isNaN else { throw invalid(text, "Not a number of type DOUBLE") }
            value = .double(double)
        case .string, .password: value = .text(trimmed)
        case .list: value = .list(ConfigDefinition.elements(trimmed))
        }
        try validate(value, text)
        return value
    }

    /// The elements of a comma-separated list; nothing but blanks is the empty list.
    package static func elements(_ text: String) -> [String] {
        let trimmed = trim(text)
        if trimmed.isEmpty { return [] }
        return trimmed.split(separator: ",", omittingEmptySubsequences: false).map { trim(String($0)) }
    }

    private func number<I: FixedWidthInteger>(_ text: String, _ trimmed: String, _: I.Type) throws(ConfigValueError) -> Int64 {
        guard let value = I(trimmed) else { throw invalid(text, "Not a number of type \(type.name)") }
        return Int64(value)
    }

    private func validate(_ value: ConfigValue, _ text: String) throws(ConfigValueError) {
        switch (validator, value) {
        case (.atLeast(let least), .integer(let number)) where number < least: throw invalid(text, "Value must be at least \(least)")
        case (.between(let least, _), .integer(let number)) where number < least: throw invalid(text, "Value must be at least \(least)")
        case (.between(_, let most), .integer(let number)) where number > most: throw invalid(text, "Value must be no more than \(most)")
        case (.fraction(let least, _), .double(let number)) where number < least:
            throw invalid(text, "Value must be at least \(whole(least))")
        case (.fraction(_, let most), .double(let number)) where number > most:
            throw invalid(text, "Value must be no more than \(whole(most))")
        case (.oneOf(let allowed), .text(let word)) where !allowed.contains(word):
            throw invalid(word, "String must be one of: \(allowed.joined(separator: ", "))")
        case (.oneOf(let allowed), .list(let words)):
            for word in words where !allowed.contains(word) {
                throw invalid(word, "String must be one of: \(allowed.joined(separator: ", "))")
            }
            if Set(words).count != words.count { throw invalid(text, "List must not contain duplicates") }
        case (.notEmpty, .text("")): throw invalid(text, "String must be non-empty")
        case (.notEmpty, .list([])): throw invalid("[]", "List must not be empty")
        case (.throttledReplicas, .list(let words)) where words != ["*"]:
            for word in words where !isThrottledReplica(word) {
                throw invalid(
                    text, "Must be the literal '*' or a list of replicas in the following format: [partitionId]:[brokerId],...")
            }
        default: break
        }
    }

    private func whole(_ number: Double) -> String { number == number.rounded() ? String(Int64(number)) : String(number) }

    private func isThrottledReplica(_ word: String) -> Bool {
        let parts = word.split(separator: ":", omittingEmptySubsequences: false)
        return parts.count == 2 && UInt32(parts[0]) != nil && UInt32(parts[1]) != nil
    }

    private func invalid(_ value: String, _ why: String) -> ConfigValueError {
        let shown = isSensitive ? "[hidden]" : value
        return ConfigValueError(message: "Invalid value \(shown) for configuration \(name): \(why)")
    }
}

/// `text` without blanks at its ends.
package func trim(_ text: String) -> String {
    var view = Substring(text)
    while let first = view.unicodeScalars.first, first.value <= 32 { view = Substring(view.unicodeScalars.dropFirst()) }
    while let last = view.unicodeScalars.last, last.value <= 32 { view = Substring(view.unicodeScalars.dropLast()) }
    return String(view)
}
