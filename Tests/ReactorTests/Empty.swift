import Testing

@Suite struct ReactorPlaceholder {
    @Test func builds() {}
}
