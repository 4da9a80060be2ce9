import Testing

@Suite struct CompressionPlaceholder {
    @Test func builds() {}
}
