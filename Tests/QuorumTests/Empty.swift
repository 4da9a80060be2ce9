import Testing

@Suite struct QuorumPlaceholder {
    @Test func builds() {}
}
