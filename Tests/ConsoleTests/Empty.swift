import Testing

@Suite struct ConsolePlaceholder {
    @Test func builds() {}
}
