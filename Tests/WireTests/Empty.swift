import Testing

@Suite struct WirePlaceholder {
    @Test func builds() {}
}
