import Testing

@Suite struct ReplicationPlaceholder {
    @Test func builds() {}
}
