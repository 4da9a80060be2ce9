import Glibc

/// The seeds of a test that walks random histories: as many as it takes in everyday runs, or as KASTELLAN_SEEDS says, which
/// `make simulate` sets. A failing seed is run alone with `swift test --filter` and the seed among the arguments.
package func seeds(_ everyday: UInt64) -> Range<UInt64> {
    let wanted = getenv("KASTELLAN_SEEDS").flatMap { UInt64(String(cString: $0)) }
    return 0..<(wanted ?? everyday)
}
