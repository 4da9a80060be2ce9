import Controller
import Primitives
import Wire

/// Quotas as they are enforced (KIP-13, KIP-124, KIP-219): who is above one is answered at once and told for how long, and its connection
/// is not read for that time.
extension Broker {
    var quotaWindow: QuotaWindow {
        QuotaWindow(samples: config.int("quota.window.num"), sampleMs: config.integer("quota.window.size.seconds") * 1000)
    }
    var mutationWindow: QuotaWindow {
        QuotaWindow(
            samples: config.int("controller.quota.window.num"), sampleMs: config.integer("controller.quota.window.size.seconds") * 1000)
    }

    /// The quota that holds for who asks; nil where none does. Nodes of the cluster are never held back.
    private func quota(_ key: QuotaKey, _ context: RequestContext) -> Quota? {
        guard !image.quotas.isEmpty, context.connection.loopbackRequest == nil || context.envelope != nil else { return nil }
        return image.quotas.quota(key, user: context.principal.name, clientID: context.clientID)
    }

    /// Counts bytes against a quota. Returns for how long the sender is to be still, in milliseconds.
    mutating func recordBytes(_ count: Int, _ key: QuotaKey, _ context: RequestContext) -> Int64 {
        guard let quota = quota(key, context) else { return 0 }
        let (window, at) = (quotaWindow, now.instant)
        return quotas.measure(key, quota, window, now: at) { meter in
            meter.rate.record(Double(count), window, now: at)
            return meter.rate.throttleMs(limit: quota.limit, window, now: at)
        }
    }

    /// What a quota lets through in a whole window; without one, no limit.
    func windowBytes(_ key: QuotaKey, _ context: RequestContext) -> Int {
        guard let quota = quota(key, context) else { return .max }
        return Int(min(quota.limit * Double(max(1, quotaWindow.samples - 1)) * Double(quotaWindow.sampleMs) / 1000, 1e15))
    }

    /// Takes back what was counted and then not sent.
    mutating func unrecordBytes(_ count: Int, _ key: QuotaKey, _ context: RequestContext) {
        guard let quota = quota(key, context) else { return }
        let (window, at) = (quotaWindow, now.instant)
        quotas.measure(key, quota, window, now: at) { $0.rate.record(-Double(count), window, now: at) }
    }

    /// What the sender may still change of the metadata. From version `strictFrom` on clients know that they may be refused.
    mutating func mutationAllowance(_ context: RequestContext, strictFrom: Int16) -> MutationAllowance {
        guard let quota = quota(.mutationRate, context) else { return MutationAllowance() }
        let (window, at) = (mutationWindow, now.instant)
        let tokens = quotas.measure(.mutationRate, quota, window, now: at) { $0.bucket.left(rate: quota.limit, window, now: at) }
        return MutationAllowance(tokens: tokens, isStrict: context.version >= strictFrom)
    }

    /// Counts what was changed. Returns for how long the sender is to be still.
    mutating func recordMutations(_ allowance: MutationAllowance, _ context: RequestContext) -> Int32 {
        guard allowance.tokens != nil, let quota = quota(.mutationRate, context) else { return 0 }
        let (window, at) = (mutationWindow, now.instant)
        let throttleMs = quotas.measure(.mutationRate, quota, window, now: at) { meter in
            meter.bucket.take(allowance.charged, rate: quota.limit, window, now: at)
            return meter.bucket.throttleMs(rate: quota.limit, window, now: at)
        }
        return allowance.isStrict && !allowance.isExceeded ? 0 : Int32(clamping: throttleMs)
    }

    /// Whether anybody's requests are to be timed: time is measured by the host, since nothing here knows a clock.
    package var timesRequests: Bool {
        // Mutating, though it changes nothing: to ask it of a broker that is somebody's property, the whole broker would be copied.
        mutating get { image.quotas.limitsRequestTime }
    }

    /// The request took this long of a thread. A percentage is of one thread (KIP-124).
    package mutating func requestServed(_ context: RequestContext, nanoseconds: Int64) {
        guard let quota = quota(.requestTime, context), !isExempt(context) else { return }
        let (window, at) = (quotaWindow, now.instant)
        quotas.measure(.requestTime, quota, window, now: at) { $0.rate.record(Double(nanoseconds) / 1e7, window, now: at) }
    }

    /// For how long a sender is to be still whose requests took more of the broker's time than its share: at most one sample.
    private mutating func requestThrottleMs(_ context: RequestContext) -> Int64 {
        guard let quota = quota(.requestTime, context), !isExempt(context) else { return 0 }
        let (window, at) = (quotaWindow, now.instant)
        return quotas.measure(.requestTime, quota, window, now: at) { meter in
            min(meter.rate.throttleMs(limit: quota.limit, window, now: at), window.sampleMs)
        }
    }

    /// What nodes say to each other is not held back, and what comes before anybody is known neither.
    private func isExempt(_ context: RequestContext) -> Bool {
        switch context.header.key {
        case .saslHandshake, .saslAuthenticate, .apiVersions: true
        default: config.isController(context.listener)
        }
    }

    /// Sees to it that a connection is not read for a while after the answer that is about to go. `alreadyMs`: what a quota of the
    /// request's own asks for. Returns what the answer is to say.
    mutating func throttle(_ context: RequestContext, alreadyMs: Int64) -> Int32 {
        guard !image.quotas.isEmpty || alreadyMs > 0, context.envelope == nil, context.connection.loopbackRequest == nil else {
            return Int32(clamping: alreadyMs)
        }
        let milliseconds = max(alreadyMs, requestThrottleMs(context))
        if milliseconds > 0 { effects.append(.mute(context.connection, milliseconds: milliseconds)) }
        return Int32(clamping: milliseconds)
    }
}

extension QuotaTable {
    fileprivate var limitsRequestTime: Bool {
        !isEmpty && entries.values.contains { $0[QuotaKey.requestTime.rawValue] != nil }
    }
}
