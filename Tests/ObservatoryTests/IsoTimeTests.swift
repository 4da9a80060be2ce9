import Observatory
import Primitives
import Testing

@Suite struct IsoTimeTests {
    @Test(arguments: [
        ("2026-11-21", 1_795_219_200_000), ("2026-11-21T10:30", 1_795_257_000_000), ("2026-11-21 10:30:15.5", 1_795_257_015_500),
        ("2026-11-21T10:30:15.123Z", 1_795_257_015_123), ("2026-11-21T12:30:00.000+02:00", 1_795_257_000_000),
        ("2026-11-21T12:30:00+0200", 1_795_257_000_000), ("2024-02-29", 1_709_164_800_000),
    ] as [(String, Int64)])
    func datesAreRead(text: String, expected: Int64) { #expect(IsoTime.parse(text) == Timestamp(milliseconds: expected)) }

    @Test(arguments: [
        "", "yesterday", "2026-13-01", "2026-02-29", "2026-11-21T25:00", "2026-11-21T10", "2026-11-21x", "2026-11-21T10:30+99",
    ])
    func otherTextIsNone(text: String) { #expect(IsoTime.parse(text) == nil) }

    @Test(arguments: [
        ("PT1H", 3_600_000), ("P1DT2H3M4.5S", 93_784_500), ("P7D", 604_800_000), ("1h30m", 5_400_000), ("90s", 90_000), ("500ms", 500),
        ("2d", 172_800_000), ("PT0.25S", 250),
    ] as [(String, Int64)])
    func durationsAreRead(text: String, expected: Int64) { #expect(ISODuration.orShort(text) == expected) }

    @Test(arguments: ["", "P", "PT", "1", "5x", "PT1", "P1H", "-PT1H", "99999999999999999999s"])
    func otherTextIsNoDuration(text: String) { #expect(ISODuration.orShort(text) == nil) }

    @Test(arguments: [
        (0, "PT0S"), (3_600_000, "PT1H"), (93_784_500, "P1DT2H3M4.500S"), (86_400_000, "P1D"), (59_000, "PT59S"),
    ] as [(Int64, String)])
    func durationsAreWritten(milliseconds: Int64, text: String) {
        #expect(IsoTime.duration(milliseconds: milliseconds) == text)
        #expect(ISODuration.orShort(text) == milliseconds)
    }

    @Test func datesAreWrittenAsKafkasToolTakesThem() {
        #expect(IsoTime.text(Timestamp(milliseconds: 1_577_836_800_000)) == "2020-01-01T00:00:00.000")
    }
}
