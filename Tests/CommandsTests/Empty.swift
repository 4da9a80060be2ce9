import Testing

@Suite struct CommandsPlaceholder {
    @Test func builds() {}
}
