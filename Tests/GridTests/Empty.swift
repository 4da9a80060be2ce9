import Testing

@Suite struct GridPlaceholder {
    @Test func builds() {}
}
