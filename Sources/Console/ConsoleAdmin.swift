import Grid
import Observatory
import Primitives

/// Transactions, access rules, quotas and users.
extension Console {
    mutating func performAdmin(_ action: Action) -> Bool {
        switch action {
        case .goHanging: push(.hanging)
        case .goTransactions: jump(.transactions)
        case .goAccess: jump(.access)
        case .goQuotas: jump(.quotas)
        case .goUsers: jump(.users)
        case .goFeatures: jump(.features)
        case .setFeature: openFeature()
        case .abortTransaction: abortTransaction()
        case .newRule: overlay = .form(.addAccess(like: selectedRule))
        case .newUser: overlay = .form(.user(nil))
        case .editUser: if let user = selectedUser { overlay = .form(.user(user)) }
        case .newQuota: overlay = .form(.quota(nil))
        case .editQuota: if let quota = selectedQuota { overlay = .form(.quota(quota)) }
        case .removeAdmin: removeAdmin()
        case .mute: muteAlert()
        default: return false
        }
        return true
    }

    private var selectedRule: AccessRule? { selectedRow.flatMap { row in snapshot.admin.access.first { $0.identity == row.id } } }

    private var selectedQuota: QuotaSnapshot? {
        selectedRow.flatMap { row in snapshot.admin.quotas.first { $0.subject.text == row.id } }
    }

    /// With the login of the row as the first.
    private var selectedUser: ScramUserSnapshot? {
        guard let parts = selectedRow?.id.split(separator: "\u{1}", maxSplits: 1).map(String.init), parts.count == 2,
            var user = snapshot.admin.users.first(where: { $0.name == parts[0] })
        else { return nil }
        user.credentials = user.credentials.filter { $0.mechanism == parts[1] }
        return user
    }

    /// The rows that are marked, or the one selected.
    private var chosenRows: [String] {
        guard let table = tables.first else { return [] }
        let marked = table.order.map { table.model.rows[$0].id }.filter { view.panels[0].isMarked($0) }
        return marked.isEmpty ? [selectedRow?.id].compactMap { $0 } : marked
    }

    /// One that its coordinator knows is ended by its coordinator; one that hangs, by a marker in its partition.
    private mutating func abortTransaction() {
        switch place {
        case .hanging:
            guard let row = selectedRow, let open = snapshot.admin.open.first(where: { hangingID($0) == row.id }) else { return }
            guard open.standing == .underWay, let id = open.transactionalID else {
                return plan(.abortTransaction(TransactionToAbort(open.partition, .startOffset(open.producer.transactionStart ?? .none))))
            }
            plan(.fenceProducer(transactionalID: id))
        case .transaction(let id): plan(.fenceProducer(transactionalID: id))
        default: if let row = selectedRow { plan(.fenceProducer(transactionalID: row.id)) }
        }
    }

    private mutating func openFeature() {
        guard view.panel == 0, let table = snapshot.admin.versions, let row = table.features.first(where: { $0.name == selectedRow?.id })
        else { return say(.info, "Select a feature, in the upper panel.") }
        overlay = .form(.feature(row, can: table.common(row)))
    }

    private mutating func removeAdmin() {
        let chosen = chosenRows
        switch place {
        case .access:
            let rules = snapshot.admin.access.filter { chosen.contains($0.identity) }
            if !rules.isEmpty { plan(.removeAccess(rules)) }
        case .quotas:
            guard let quota = selectedQuota else { return }
            plan(.alterQuota(quota.subject, set: [], delete: quota.values.keys))
        case .users:
            guard let parts = selectedRow?.id.split(separator: "\u{1}", maxSplits: 1).map(String.init), parts.count == 2 else { return }
            plan(.removeCredentials(user: parts[0], mechanisms: [parts[1]]))
        default: break
        }
    }

    /// What went wrong with reading what this view shows; nil where nothing did.
    var adminProblem: String? {
        switch place {
        case .transactions, .transaction: snapshot.admin.transactionsSeen.error
        case .hanging: snapshot.admin.openSeen.error
        case .access: snapshot.admin.accessSeen.error
        case .quotas: snapshot.admin.quotasSeen.error
        case .users: snapshot.admin.usersSeen.error
        case .features: snapshot.admin.versionsSeen.error
        case .clients: showsExactClients ? nil : snapshot.observations.groups.error ?? snapshot.admin.writersSeen.error
        default: nil
        }
    }

    /// A refusal is said once, in one line; the view stays with what it has.
    mutating func tellAdminProblem() {
        let problem = adminProblem.map { "\(place.crumb): \($0)" }
        if let problem, problem != toldProblem { say(.error, problem) }
        toldProblem = problem
    }
}
