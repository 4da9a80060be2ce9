/// The milliseconds of `by_duration:P1DT2H3M4.5S`, as `auto.offset.reset` and `share.auto.offset.reset` say it (KIP-1106); nil where it is
/// none.
public func resetDuration(_ value: String) -> Int64? {
    let prefix = "by_duration:"
    return value.hasPrefix(prefix) ? ISODuration.milliseconds(value.dropFirst(prefix.count)) : nil
}
