import Observatory
import Primitives

/// Points in time as people write them on a command line: milliseconds since 1970, a date as `IsoTime` reads it, or an age: `90s`, `15m`,
/// `2h`, `7d`, `PT1H30M`.
package func parseTime(_ text: String, now: Timestamp) -> Timestamp? {
    if let milliseconds = Int64(text) { return milliseconds >= 0 ? Timestamp(milliseconds: milliseconds) : nil }
    if let age = ISODuration.orShort(text) { return Timestamp(milliseconds: now.milliseconds - age) }
    return IsoTime.parse(text)
}
