import Observatory

/// One view on the trail: what it shows and where the user is in it. Values only; what is drawn is made from this and the snapshot.
package struct ViewState: Equatable, Sendable {
    package var place: Place
    /// One per panel: most views have one, a group has two, the overview four.
    package var panels: [TableState]
    /// The panel with the keyboard.
    package var panel = 0
    package var filter = RowFilter.none
    package var faultsOnly = false
    /// Of partitions, only those in this kind of trouble; nil: all.
    package var trouble: PartitionTrouble?
    /// Columns after the first that are scrolled out to the left.
    package var columnShift = 0
    package var text = TextState()
    package var tail: TailState?
    /// Of clients, a row for each of their connections.
    package var isUnfolded = false
    /// What the heat map shows.
    package var measure = HeatMeasure.traffic

    package init(_ place: Place) {
        self.place = place
        panels = Array(repeating: TableState(), count: place.panelCount)
    }
}

extension Place {
    package var panelCount: Int {
        switch self {
        case .overview: 4
        // A partition's replicas below the partitions, the latest events below the brokers, APIs below the features.
        case .group, .topic, .brokers, .features: 2
        default: 1
        }
    }
}

/// Where a user is in a text: help, a description, a message.
package struct TextState: Equatable, Sendable {
    package var top = 0
    package var wraps = true
    package var search = RowFilter.none
    /// A message's value as hexadecimal.
    package var showsHex = false

    package init() {}
}
