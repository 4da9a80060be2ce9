import Testing

@Suite struct ClientCorePlaceholder {
    @Test func builds() {}
}
