import Grid
import Observatory
import Primitives

/// What the console is told. Only the shell makes these; each is handled at once and never waits.
package enum ConsoleEvent: Sendable {
    case input(InputEvent)
    /// A command as typed after the colon.
    case command(String)
    /// Time has passed: ages and flashes move on.
    case tick
    case snapshot(ClusterSnapshot)
    /// The answer to `ConsoleRequest.history`; nil where there is no such picture.
    case past(HistorySeek, Result<ClusterSnapshot?, ConsoleFailure>)
    /// The answer to `ConsoleRequest.plan` with the same ticket.
    case planned(ticket: Int, Result<Plan, PlanError>)
    /// A step of a running plan, in words.
    case planProgress(ticket: Int, String)
    case planFinished(ticket: Int, PlanOutcome)
    /// How far moves in batches are.
    case batches(ticket: Int, BatchProgress)
    case tail(TailUpdate)
    /// The answer to `ConsoleRequest.save`: where it went, or why not.
    case saved(Result<String, ConsoleFailure>)
    /// The answer to `ConsoleRequest.readFile`.
    case file(ticket: Int, name: String, Result<String, ConsoleFailure>)
    /// The answer to `ConsoleRequest.edit`: the text as the editor left it.
    case edited(ticket: Int, Result<String, ConsoleFailure>)
    /// The answer to `ConsoleRequest.schemas`.
    case schemas(SchemaAnswer)
    /// The answer to `ConsoleRequest.connect`.
    case connect(ConnectAnswer)
    /// The answer to `ConsoleRequest.clients`.
    case clients(ClientAnswer)
    /// How looking at a cluster went; an answer to `ConsoleRequest.watchClusters`.
    case sighted(String, ClusterSighting)
    /// The answer to `ConsoleRequest.compare`.
    case compared(ticket: Int, Result<[ClusterSettings.Difference], ConsoleFailure>)
    /// Something the shell wants said on the flash line.
    case notice(Notice)
    /// Whether changes may be made has changed.
    case mode(ChangeMode)
    /// The cluster is one of our own: what is done to its brokers. Comes at its start and after every fault.
    case chaos(OrderedMap<BrokerID, ChaosCondition>)
    /// A recording is played, and is so far.
    case replay(ReplayState)
    /// The row of that identity is selected; of a tail, the message of that number. For input that has no cursor.
    case select(panel: Int, id: String)
    /// As by its key, where it has one here.
    case perform(Action)
    /// What the terminal is sent has become another figure; told only where it is to be shown. Nil: no longer.
    case wire(WireReading?)
}

/// What the console wants done. The shell does it in its own time and answers with an event.
package enum ConsoleRequest: Equatable, Sendable {
    case quit
    /// Give the terminal back to the shell that started us, as ctrl-z does.
    case suspend
    /// Send the whole screen anew.
    case redraw
    /// What is on the screen has changed: observe this.
    case watch(Interest)
    /// Read everything on the screen now.
    case refresh
    /// Look for a picture of the past.
    case history(HistorySeek)
    case plan(ticket: Int, PlanAction)
    case run(ticket: Int, Plan)
    /// End a running plan that can be ended: one that sends messages.
    case abort(ticket: Int)
    /// Tell a running plan something: moves in batches.
    case steer(ticket: Int, PlanInput)
    /// Make a plan of what is left of moves in batches that were not finished; answered by `planned`.
    case resumeMoves(ticket: Int)
    /// Let the user change a text in their own editor.
    case edit(ticket: Int, String)
    case schemas(SchemaQuestion)
    /// All connectors of all Connect clusters, as they are now.
    case connect
    /// Who is connected now, where that can be said.
    case clients
    case startTail(TailQuery)
    case stopTail(session: Int)
    /// Stop reading (true) or go on: the viewer has paused, or its buffer must not be overrun.
    case pauseTail(session: Int, Bool)
    /// What the view would hide need not be handed over.
    case filterTail(session: Int, TailFilter)
    /// What payloads that come from now on are taken for.
    case readTail(session: Int, PayloadFormat)
    /// Write a file; a relative name is relative to where the program was started.
    case save(name: String, Bytes)
    /// Write a plan to a file of its own, for `kastellan apply`.
    case savePlan(Plan)
    case readFile(ticket: Int, name: String)
    /// Put text on the terminal's clipboard.
    case copy(String)
    case setTheme(String)
    case chaos(BrokerID, ChaosAction)
    /// Leave this cluster for another; then carry out a command there.
    case switchContext(String, then: String?)
    /// Look at these clusters too, by their contexts, until told otherwise; none: no longer.
    case watchClusters([String])
    /// Topics and settings of this cluster against those of a context's. The newest ticket alone is waited for.
    case compare(ticket: Int, with: String)
    /// Let changes through for so long, where the context is read-only; 0 ends it.
    case arm(minutes: Int64)
    case bell
    /// Move the time of the recording that is played.
    case replay(ReplayControl)
    /// A notification of the desktop's, by way of the terminal.
    case notify(String)
    /// A program that is told what happened, beside the console.
    case hook(ExternalRun)
    /// A program of the user's: on this terminal, or beside it.
    case external(ExternalRun)
    /// An address of the web, to be shown to the user in whatever way there is.
    case openLink(name: String, address: String)
}

/// Why the shell could not do something; a sentence for people.
package struct ConsoleFailure: Error, Equatable, Sendable {
    package var message: String
    package init(_ message: String) { self.message = message }
}

/// A line for the flash bar.
package struct Notice: Equatable, Sendable {
    package enum Kind: Equatable, Sendable { case info, warning, error }
    package var kind: Kind
    package var text: String
    package init(_ kind: Kind, _ text: String) {
        self.kind = kind
        self.text = text
    }
}
