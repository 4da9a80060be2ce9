import Testing

@Suite struct ObservatoryPlaceholder {
    @Test func builds() {}
}
