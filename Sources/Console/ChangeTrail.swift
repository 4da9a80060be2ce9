import Observatory

/// What was changed from here, as what takes each change back: the way back with `z`, and forward again with `Z`. Bounded.
///
/// Taking a change back is a change like any other, whose own inverse is the way forward; any other change ends that way, because what it
/// led to is no longer there.
struct ChangeTrail: Equatable, Sendable {
    static let lengthMax = 20

    private(set) var undoable: [PlanAction] = []
    private(set) var redoable: [PlanAction] = []
    /// The plans under way that go back or forward; other plans are changes of their own.
    var undoing: Int?
    var redoing: Int?

    /// The change of that ticket is made. `inverse`: what takes it back; nil where nothing does, and then nothing before it is taken back
    /// either, since it would be out of its order.
    mutating func take(_ ticket: Int, inverse: PlanAction?) {
        switch ticket {
        case undoing:
            if !undoable.isEmpty { undoable.removeLast() }
            ChangeTrail.push(inverse, on: &redoable)
            undoing = nil
        case redoing:
            if !redoable.isEmpty { redoable.removeLast() }
            ChangeTrail.push(inverse, on: &undoable)
            redoing = nil
        default:
            if inverse == nil { undoable = [] }
            ChangeTrail.push(inverse, on: &undoable)
            redoable = []
        }
    }

    private static func push(_ action: PlanAction?, on stack: inout [PlanAction]) {
        guard let action else { return }
        stack.append(action)
        if stack.count > lengthMax { stack.removeFirst() }
    }
}
