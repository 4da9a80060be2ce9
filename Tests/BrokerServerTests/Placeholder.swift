import Testing

@Suite struct BrokerServerPlaceholder {
    @Test func builds() {}
}
