import Grid
import Observatory
import Primitives

/// What the console needs to know from the command line and the terminal.
package struct ConsoleOptions: Equatable, Sendable {
    /// What the cluster is called: a context's name, or `dev`, `demo`.
    package var contextName: String
    package var bootstrap: [String]
    package var mode: ChangeMode
    /// The clusters that have a name.
    package var contexts: [ContextEntry] = []
    /// The context has a colour of its own, which the theme was given.
    package var hasContextColor = false
    /// The user's own programs behind keys, and tables as the user wants them.
    package var commands: [ExternalCommand] = []
    package var columns: [ColumnWish] = []
    /// Where things are found in a browser.
    package var links: [LinkTemplate] = []
    /// What the user wants to be told of.
    package var alerts: [AlertRule] = []
    /// What of messages is masked, and who says that it has to be; the shell sees to it.
    package var masks = MaskBook.none
    package var masksRequiredBy: String?
    package var glyphs: Glyphs
    package var themeNames: [String]
    /// The view to begin with.
    package var start: Place

    package init(
        contextName: String, bootstrap: [String], mode: ChangeMode = .writable, glyphs: Glyphs = .unicode, themeNames: [String] = [],
        start: Place = .overview
    ) {
        self.contextName = contextName
        self.bootstrap = bootstrap
        self.mode = mode
        self.glyphs = glyphs
        self.themeNames = themeNames
        self.start = start
    }
}

/// The console: what is on the screen as a function of what happened. `update` takes an event and says what the shell is to do;
/// `render` draws. Pure: no clock, no terminal, no network. Owner: the UI thread.
///
/// Invariants: (1) `trail` is never empty; (2) `tables` are the last view's panels, made of `snapshot`; (3) at most one overlay, and it
/// has the keyboard; (4) nothing changes the cluster but a `run` request, and that only from a confirmed `PlanDialog`.
package struct Console: Sendable {
    package internal(set) var options: ConsoleOptions
    package let keys: KeyMap
    /// What the shell lends to tails.
    package var tools = TailTools()
    /// What is shown: the cluster as it is, or as it was.
    package internal(set) var snapshot = ClusterSnapshot()
    /// While the screen shows the past, the cluster as it is.
    package internal(set) var live: ClusterSnapshot?
    package internal(set) var now = Now(instant: .zero, wall: .none)
    package internal(set) var width = 80
    package internal(set) var height = 24
    /// From the root to what is shown.
    package internal(set) var trail: [ViewState]
    package internal(set) var overlay: Overlay?
    package internal(set) var flash: Flash?
    var past: [[ViewState]] = []
    var future: [[ViewState]] = []
    var commandHistory: [String] = []
    var filterHistory: [String] = []
    /// The last view's panels as they are shown.
    package internal(set) var tables: [ShownTable] = []
    /// The last view's text, where it is a text.
    package internal(set) var document: [[Span]] = []
    var topicCache = TopicRowCache()
    /// `document` wrapped for a width; -1 where that is still to be done.
    var wrapped: (width: Int, lines: [[Span]]) = (-1, [])
    var showsHeader = true
    var showsCrumbs = true
    var showsInternal = false
    var isFullscreen = false
    var lastTicket = 0
    var lastTailSession = 0
    /// A message that is in the user's editor, as it went there.
    var edited: (ticket: Int, text: String)?
    /// How to take back what was changed from here, and to make it again.
    var changes = ChangeTrail()
    var schemas = SchemaShelf()
    var clients = ClientShelf()
    var connect = ConnectShelf()
    var comparison: ClusterComparison?
    /// Moves in batches that this console carries out, by their tickets.
    var moves = OrderedMap<Int, BatchProgress>()
    var editedConnector: EditedConnector?
    /// A schema that is in the user's editor.
    var editedSchema: EditedSchema?
    /// What went wrong with the view's reading and has been said.
    var toldProblem: String?
    var watched: Interest?
    /// What the other clusters showed, by their contexts, and which of them are looked at now.
    var sightings = OrderedMap<String, ClusterSighting>()
    var watchedClusters: [String] = []
    /// What is done to the brokers of a cluster of our own; nil on any other.
    var chaos: OrderedMap<BrokerID, ChaosCondition>?
    var alerts: AlertBook
    /// What the terminal is sent; nil where nobody wants to know.
    package internal(set) var wire: WireReading?
    /// How far the recording is that is played; nil on a cluster.
    package internal(set) var replay: ReplayState?
    var requests: [ConsoleRequest] = []

    package struct Flash: Equatable, Sendable {
        package var notice: Notice
        package var until: Instant
    }

    /// How long a flash stays.
    static let flashMs: Int64 = 6000
    /// Bound on the views one can go back to, and on the commands remembered.
    static let historyMax = 50

    package init(options: ConsoleOptions, keys: KeyMap = .standard) {
        self.options = options
        self.keys = keys
        alerts = AlertBook(options.alerts)
        trail = [ViewState(options.start)]
        rebuild()
    }

    package var view: ViewState {
        get { trail[trail.count - 1] }
        _modify { yield &trail[trail.count - 1] }
    }
    package var place: Place { view.place }
    /// The selected row of the panel with the keyboard.
    package var selectedRow: TableRow? {
        guard view.panel < tables.count, tables[view.panel].count > 0 else { return nil }
        let table = tables[view.panel]
        return table.row(min(view.panels[view.panel].position, table.count - 1))
    }

    // MARK: Events

    /// Takes an event in. Returns what the shell is to do, in order.
    package mutating func update(_ event: ConsoleEvent, now: Now) -> [ConsoleRequest] {
        self.now = now
        requests = []
        expireArming()
        switch event {
        case .input(let input): take(input)
        case .command(let text): submitCommand(text)
        case .tick:
            if let flash, flash.until <= now.instant { self.flash = nil }
            alert(alerts.due(now: now.instant))
            view.tail?.judgeSlice()
            if !watchedClusters.isEmpty { rebuild() }
        case .snapshot(let snapshot): take(snapshot)
        case .past(let seek, let result): takePast(seek, result)
        case .planned(let ticket, let result): takePlan(ticket, result)
        case .planProgress(let ticket, let text): takeProgress(ticket, text)
        case .planFinished(let ticket, let outcome): takeOutcome(ticket, outcome)
        case .batches(let ticket, let progress): takeBatches(ticket, progress)
        case .tail(let update): takeTail(update)
        case .saved(.success(let name)): say(.info, "Saved to \(Escape.line(name)).")
        case .saved(.failure(let failure)): say(.error, failure.message)
        case .file(let ticket, let name, let result): takeFile(ticket, name, result)
        case .edited(let ticket, let result): takeEditedText(ticket, result)
        case .schemas(let answer): takeSchemas(answer)
        case .clients(let answer): takeClients(answer)
        case .connect(let answer): takeConnect(answer)
        case .compared(let ticket, let result): takeComparison(ticket, result)
        case .sighted(let name, let sighting): take(sighting, of: name)
        case .notice(let notice): say(notice.kind, notice.text)
        case .mode(let mode): takeMode(mode)
        case .wire(let reading): wire = reading
        case .select(let panel, let id): select(panel, id)
        case .perform(let action): performByName(action)
        case .replay(let state): replay = state
        case .chaos(let conditions):
            chaos = conditions
            rebuild()
        }
        settle()
        return requests
    }

    /// When something on the screen changes by itself: the next tick that matters, or nil while nothing does.
    package var nextDeadline: Instant? {
        // A key comes before the next slice of what a program has to look at.
        if view.tail?.isJudging == true { return now.instant }
        var next = flash?.until
        // The age of what is shown moves every second while the cluster is away or the data is stale.
        if !snapshot.connection.isConnected || staleness != nil {
            next = min(next ?? .distantFuture, now.instant.adding(milliseconds: 1000))
        }
        // So does what is left of the time for changes.
        if let armedUntil { next = min(next ?? .distantFuture, min(armedUntil, now.instant.adding(milliseconds: 1000))) }
        if let due = clustersDeadline { next = min(next ?? .distantFuture, due) }
        if let due = alerts.nextDeadline { next = min(next ?? .distantFuture, due) }
        return next
    }

    /// A cluster that was still starting has its addresses now.
    package mutating func bootstrapKnown(_ addresses: [String]) {
        options.bootstrap = addresses
        rebuild()
    }

    mutating func say(_ kind: Notice.Kind, _ text: String) {
        flash = Flash(notice: Notice(kind, Escape.line(text)), until: now.instant.adding(milliseconds: Console.flashMs))
    }

    mutating func request(_ request: ConsoleRequest) { requests.append(request) }

    private mutating func take(_ snapshot: ClusterSnapshot) {
        let before = (live ?? self.snapshot).loginRefusal
        if let refusal = snapshot.loginRefusal, refusal != before { say(.error, refusal) }
        // The past stays on the screen; what is now is held for when somebody comes back.
        if live != nil { live = snapshot } else { self.snapshot = snapshot }
        if live == nil || place == .compare { rebuild() }
        if live == nil { tellAdminProblem() }
        askClients()
        askConnect()
        alert(alerts.take(snapshot, now: now.instant))
        if place == .alerts { rebuild() }
    }

    private mutating func takeEditedText(_ ticket: Int, _ result: Result<String, ConsoleFailure>) {
        if !takeEditedSchema(ticket, result), !takeEditedConnector(ticket, result) { takeEdited(ticket, result) }
    }

    private mutating func take(_ input: InputEvent) {
        switch input {
        case .resize(let width, let height):
            (self.width, self.height) = (width, height)
            // As many signs as there is room for.
            if place == .heat { rebuild() }
        case .key(let key): take(key)
        case .paste(let text): takePaste(text)
        case .mouse(let mouse): take(mouse)
        case .hangup: request(.quit)
        }
    }

    // MARK: Derived state

    /// Makes the last view's tables or text anew from the snapshot.
    mutating func rebuild() {
        let before = tables
        var made = models(of: place)
        if !made.isEmpty, let wish = options.columns.first(where: { $0.view == place.contexts.last?.rawValue }) { made[0].apply(wish) }
        tables = made.indices.prefix(view.panels.count).map { index in
            ShownTable(
                made[index], view.panels[index], filter: view.filter, faultsOnly: view.faultsOnly && place.isTable,
                after: index < before.count ? before[index] : nil)
        }
        document = makeDocument()
        wrapped = (-1, [])
        settlePanels()
    }

    /// Brings selections and scroll positions in line, and tells the observer what is on the screen where that changed.
    private mutating func settle() {
        settlePanels()
        followPartition()
        holdTail()
        askSchemaDetails()
        let interest = currentInterest()
        if interest != watched {
            watched = interest
            request(.watch(interest))
        }
        let clusters = wantedClusters
        if clusters != watchedClusters {
            watchedClusters = clusters
            request(.watchClusters(clusters))
        }
    }

    /// The partition whose replicas a topic's second panel shows: before anything is selected, the first.
    private func selectedReplicas(of topic: String) -> TopicPartition? {
        let index = view.panels[0].selectedID.flatMap { Int32($0) } ?? 0
        return snapshot.partition(TopicPartition(topic, index)) == nil ? nil : TopicPartition(topic, index)
    }

    /// A topic's second panel follows the selection in the first.
    private mutating func followPartition() {
        guard case .topic = place, tables.count == 2, let selected = selectedPartition else { return }
        let subject = Escape.line(selected.description)
        if tables[1].model.subject != subject { rebuild() }
    }

    private mutating func settlePanels() {
        let areas = panelAreas(layout.body)
        for index in view.panels.indices where index < tables.count {
            view.panels[index].settle(tables[index], visibleRows: visibleRows(areas[index]))
        }
        if view.tail != nil { settleTail() }
        settleText()
        view.text.top = max(0, min(view.text.top, textLines(width: layout.body.width - 4).count - (layout.body.height - 2)))
    }

    package func currentInterest() -> Interest {
        let below = trail.count > 1 ? trail[trail.count - 2].place : nil
        // The brokers themselves count who is connected: the cluster need not be asked for groups and producers besides.
        var interest = Interest(isOfClients && expectsExactClients ? .quorum : place.screen(below: below))
        interest.also = alerts.needs
        interest.wantsReplicaSizes = place == .heat && view.measure == .size
        guard let table = tables.first else { return interest }
        let visible = visibleRows(panelAreas(layout.body)[0])
        let top = view.panels[0].top
        let names = (top..<min(top + visible, table.count)).map { table.row($0).id }
        if place == .topics { interest.visibleTopics = names }
        if place == .groups { interest.visibleGroups = names }
        return interest
    }

    mutating func models(of place: Place) -> [TableModel] {
        let bootstrap = options.bootstrap.first ?? "localhost:9092"
        switch place {
        case .overview: return overviewModels(snapshot)
        case .brokers: return [brokerRows(snapshot, chaos), latestEventRows(snapshot)]
        case .topics: return [topicRows(snapshot, showsInternal: showsInternal, bootstrap: bootstrap, &topicCache)]
        case .topic(let name): return [partitionRows(snapshot, topic: name), replicaRows(snapshot, selectedReplicas(of: name))]
        case .partitions: return [allPartitionRows(snapshot, trouble: view.trouble, showsInternal: showsInternal)]
        case .reassignments: return [reassignmentRows(snapshot, moves.values.first)]
        case .quorum: return [quorumRows(snapshot, now: now.wall)]
        case .groups: return [groupRows(snapshot, bootstrap: bootstrap)]
        case .group(let id): return [groupPartitionRows(snapshot, group: id), memberRows(snapshot, group: id)]
        case .events: return [eventRows(snapshot)]
        case .contexts: return [contextRows()]
        case .clusters: return [clusterRows()]
        case .diff(let name): return [diffRows(name)]
        case .schemas: return [schemaRows(schemas)]
        case .schema(let subject): return [schemaVersionRows(schemas, subject: subject)]
        case .configs(let resource): return [configRows(snapshot, resource)]
        case .heat: return [heatRows(snapshot, view.measure, width: heatWidth)]
        case .transactions: return [transactionRows(snapshot, now: now.wall)]
        case .transaction(let id): return [transactionPartitionRows(snapshot, id: id)]
        case .hanging: return [hangingRows(snapshot, now: now.wall)]
        case .access: return [accessRows(snapshot)]
        case .quotas: return [quotaRows(snapshot)]
        case .users: return [userRows(snapshot)]
        case .features: return [featureRows(snapshot), apiRows(snapshot)]
        case .clients: return [clientModel()]
        case .connectors: return [connectorRows(connect, snapshot)]
        case .connector(let id): return [connectorTaskRows(connect, id)]
        case .alerts: return [alertRows(alerts, now: now.instant)]
        case .tail, .message, .describe, .why, .compare, .help, .schemaText, .schemaDiff: return []
        }
    }

    /// Milliseconds since the last data where that is worth saying: the cluster is away, or answers are overdue.
    package var staleness: Int64? {
        let times = [snapshot.observations.metadata.time, snapshot.observations.offsets.time, snapshot.observations.groups.time]
        guard let newest = times.compactMap({ $0 }).max() else { return nil }
        let age = now.wall.milliseconds - newest.milliseconds
        return age > max(5000, 3 * snapshot.cost.intervalMs) ? age : nil
    }
}
