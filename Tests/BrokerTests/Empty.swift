import Testing

@Suite struct BrokerPlaceholder {
    @Test func builds() {}
}
