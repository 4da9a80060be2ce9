import Testing

@Suite struct RecordsPlaceholder {
    @Test func builds() {}
}
