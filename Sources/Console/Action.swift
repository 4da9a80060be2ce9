/// What a key means. The name is what a key file rebinds.
package enum Action: String, CaseIterable, Sendable {
    // Everywhere.
    case command, help, back, leave, quit, suspend, redraw
    case lastView = "last-view"
    case historyBack = "history-back"
    case historyForward = "history-forward"
    case refresh
    case toggleHeader = "toggle-header"
    case toggleCrumbs = "toggle-crumbs"
    case goOverview = "go-overview"
    case goBrokers = "go-brokers"
    case goTopics = "go-topics"
    case goGroups = "go-groups"
    case goEvents = "go-events"
    case goPartitions = "go-partitions"
    case goReassignments = "go-reassignments"
    case goQuorum = "go-quorum"
    case goHeat = "go-heat"
    case goTransactions = "go-transactions"
    case goHanging = "go-hanging"
    case goAccess = "go-acls"
    case goQuotas = "go-quotas"
    case goUsers = "go-users"
    case goFeatures = "go-features"
    case goClients = "go-clients"
    case goConnect = "go-connect"
    case goSchemas = "go-schemas"
    case goContexts = "go-contexts"
    case goClusters = "go-clusters"
    case diffCluster = "diff-cluster"
    case undo, redo
    // In a recording.
    case replayPause = "replay-pause"
    case replayStep = "replay-step"
    case replaySlower = "replay-slower"
    case replayFaster = "replay-faster"
    // In time.
    case stepBack = "step-back"
    case stepForward = "step-forward"
    case leapBack = "leap-back"
    case leapForward = "leap-forward"
    case present
    case compare
    // Moving.
    case up, down, top, bottom
    case pageUp = "page-up"
    case pageDown = "page-down"
    case halfUp = "half-page-up"
    case halfDown = "half-page-down"
    case columnsLeft = "columns-left"
    case columnsRight = "columns-right"
    case otherPanel = "other-panel"
    case otherPanelBack = "other-panel-back"
    // Lists.
    case open, filter, describe, why, actions, copy
    case nextMeasure = "next-measure"
    case foldClients = "fold-clients"
    case copyRow = "copy-row"
    case openLink = "open-link"
    case sortPrevious = "sort-previous"
    case sortNext = "sort-next"
    case sortReverse = "sort-reverse"
    case sortName = "sort-name"
    case sortState = "sort-state"
    case mark
    case markRange = "mark-range"
    case clearMarks = "clear-marks"
    case faultsOnly = "faults-only"
    case showAll = "show-all"
    case nextTrouble = "next-trouble"
    case previousTrouble = "previous-trouble"
    // What can be done.
    case tail, produce, configs, edit, create, delete, purge
    case load = "write-load"
    case addPartitions = "add-partitions"
    case cloneTopic = "clone-topic"
    case recreateTopic = "recreate-topic"
    case resetOffsets = "reset-offsets"
    case resetConfig = "reset-config"
    case reassign
    case changeReplication = "change-replication"
    case electLeaders = "elect-leaders"
    case moveLeader = "move-leader"
    case drain, throttle
    case cancelReassignment = "cancel-reassignment"
    case removeThrottles = "remove-throttles"
    case pauseMoves = "pause-moves"
    case resumeMoves = "resume-moves"
    case endMoves = "end-moves"
    case letMovesArrive = "let-moves-arrive"
    case cancelMoves = "cancel-moves"
    // Transactions, access rules, quotas, users.
    case abortTransaction = "abort-transaction"
    case newRule = "new-rule"
    case newUser = "new-user"
    case editUser = "edit-user"
    case newQuota = "new-quota"
    case editQuota = "edit-quota"
    case removeAdmin = "remove"
    case setFeature = "set-feature"
    case mute
    // The schema registry.
    case registerSchema = "register-schema"
    case editSchema = "edit-schema"
    case deleteSchema = "delete-schema"
    case schemaRule = "schema-rule"
    case diffSchemas = "diff-schemas"
    // Kafka Connect.
    case newConnector = "new-connector"
    case editConnector = "edit-connector"
    case deleteConnector = "delete-connector"
    case pauseConnector = "pause-connector"
    case resumeConnector = "resume-connector"
    case stopConnector = "stop-connector"
    case restartConnector = "restart-connector"
    case restartFailed = "restart-failed"
    case restartTask = "restart-task"
    // Faults on purpose, in a cluster of our own.
    case chaos
    case chaosKill = "chaos-kill"
    case chaosRestart = "chaos-restart"
    case chaosPause = "chaos-pause"
    case chaosResume = "chaos-resume"
    case chaosCut = "chaos-cut"
    case chaosSlowDisk = "chaos-slow-disk"
    case chaosFullDisk = "chaos-full-disk"
    case chaosHeal = "chaos-heal"
    // Text and tail.
    case nextMatch = "next-match"
    case previousMatch = "previous-match"
    case wrap, timestamps, headers, pretty, hex, format, follow, pause, fullscreen, seek, save
    case showOthers = "show-others"
    case newestPerKey = "newest-per-key"
    case markers, program, resend
    case toggleMasks = "toggle-masks"
    case editMessage = "edit-message"
    case fromEnd = "from-end"
    case fromBeginning = "from-beginning"
    case from1m = "from-1m"
    case from5m = "from-5m"
    case from15m = "from-15m"
    case from1h = "from-1h"
    case from24h = "from-24h"
}

/// Where a binding holds. A place has several: its own, its kind's, and everywhere's.
package enum KeyContext: String, CaseIterable, Sendable {
    case everywhere
    /// All but a tail, where digits choose a start.
    case browsing
    case table, text
    case overview, brokers, topics, topic, partitions, reassignments, quorum, groups, group, events, configs, contexts, tail, message
    case heat, why, transactions, transaction, hanging, access, quotas, users, alerts
    case clusters, diff, clients, features, connectors, connector, schemas, schema, schemaText = "schema-text"
    /// The menus of faults, and of ways to end moves, which lie over a view.
    case chaos, moves
    /// Everywhere, while a recording is played.
    case replay
}

extension Place {
    package var contexts: [KeyContext] {
        switch self {
        case .overview: [.everywhere, .browsing, .overview]
        case .brokers: [.everywhere, .browsing, .table, .brokers]
        case .topics: [.everywhere, .browsing, .table, .topics]
        case .topic: [.everywhere, .browsing, .table, .topic]
        case .partitions: [.everywhere, .browsing, .table, .partitions]
        case .reassignments: [.everywhere, .browsing, .table, .reassignments]
        case .quorum: [.everywhere, .browsing, .table, .quorum]
        case .groups: [.everywhere, .browsing, .table, .groups]
        case .group: [.everywhere, .browsing, .table, .group]
        case .events: [.everywhere, .browsing, .table, .events]
        case .configs: [.everywhere, .browsing, .table, .configs]
        case .transactions: [.everywhere, .browsing, .table, .transactions]
        case .transaction: [.everywhere, .browsing, .table, .transaction]
        case .hanging: [.everywhere, .browsing, .table, .hanging]
        case .access: [.everywhere, .browsing, .table, .access]
        case .quotas: [.everywhere, .browsing, .table, .quotas]
        case .users: [.everywhere, .browsing, .table, .users]
        case .clients: [.everywhere, .browsing, .table, .clients]
        case .features: [.everywhere, .browsing, .table, .features]
        case .connectors: [.everywhere, .browsing, .table, .connectors]
        case .connector: [.everywhere, .browsing, .table, .connector]
        case .alerts: [.everywhere, .browsing, .table, .alerts]
        case .schemas: [.everywhere, .browsing, .table, .schemas]
        case .schema: [.everywhere, .browsing, .table, .schema]
        case .schemaText: [.everywhere, .browsing, .text, .schemaText]
        case .schemaDiff: [.everywhere, .browsing, .text]
        case .contexts: [.everywhere, .browsing, .table, .contexts]
        case .clusters: [.everywhere, .browsing, .table, .clusters]
        case .diff: [.everywhere, .browsing, .table, .diff]
        case .tail: [.everywhere, .tail]
        case .message: [.everywhere, .browsing, .text, .message]
        case .describe, .compare, .help: [.everywhere, .browsing, .text]
        case .why: [.everywhere, .browsing, .text, .why]
        case .heat: [.everywhere, .browsing, .table, .heat]
        }
    }
}
