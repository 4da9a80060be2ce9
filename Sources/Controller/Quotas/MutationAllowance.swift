import Wire

/// How much of the metadata somebody may still change (KIP-599), counted in partitions made or deleted. The last change may go beyond.
package struct MutationAllowance: Equatable, Sendable {
    /// Below zero: nothing more now. Nil: no limit.
    package var tokens: Double?
    /// Whether what is beyond is refused; clients that do not know the error are only made to wait.
    package var isStrict: Bool
    package private(set) var charged = 0.0
    /// Something was refused.
    package private(set) var isExceeded = false

    package init(tokens: Double? = nil, isStrict: Bool = false) {
        self.tokens = tokens
        self.isStrict = isStrict
    }

    mutating func charge(_ partitions: Int) throws(APIFailure) {
        guard let tokens else { return }
        if isStrict, tokens - charged < 0 {
            isExceeded = true
            throw APIFailure(.throttlingQuotaExceeded, ErrorCode.throttlingQuotaExceeded.message)
        }
        charged += Double(partitions)
    }
}
