import Testing

@Suite struct DevClusterPlaceholder {
    @Test func builds() {}
}
