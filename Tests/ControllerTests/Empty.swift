import Testing

@Suite struct ControllerPlaceholder {
    @Test func builds() {}
}
