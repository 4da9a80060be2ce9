import Testing

@Suite struct ClientPlaceholder {
    @Test func builds() {}
}
