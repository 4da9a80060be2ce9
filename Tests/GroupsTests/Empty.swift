import Testing

@Suite struct GroupsPlaceholder {
    @Test func builds() {}
}
