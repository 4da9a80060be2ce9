import Observatory
import Primitives

/// What a view shows. The trail of places is what Esc walks back along.
package enum Place: Equatable, Sendable {
    case overview
    case brokers
    case topics
    case topic(String)
    /// All partitions of the cluster, or those in one kind of trouble.
    case partitions
    /// Partitions on their way to other brokers, and throttles left behind.
    case reassignments
    /// The metadata quorum: voters and observers.
    case quorum
    case groups
    case group(String)
    case events
    case configs(ConfigResource)
    case transactions
    /// One transactional id's partitions.
    case transaction(String)
    /// Transactions that partitions hold open, to find those that nobody will end.
    case hanging
    case access
    case quotas
    case users
    /// Features of the cluster, and the APIs that its brokers serve.
    case features
    /// Connectors of Kafka Connect; one's tasks.
    case connectors
    case connector(ConnectorName)
    /// Who is connected, or who seems to be.
    case clients
    /// What the user wants to be told of, and how it stands.
    case alerts
    /// Subjects of the schema registry; one subject's versions; a version's text; two against each other.
    case schemas
    case schema(String)
    case schemaText(String, Int)
    case schemaDiff(String, Int, Int)
    /// The clusters that have a name; how each of them stands.
    case contexts
    case clusters
    /// What of topics and settings differs between this cluster and that context's.
    case diff(String)
    /// One topic, several with spaces between, or a pattern between slashes.
    case tail(String)
    /// One message of the tail it was opened from.
    case message(String)
    /// All that is known of one thing, as text.
    case describe(Subject)
    /// Why it is as it is: a verdict, what shows it, what to do.
    case why(Subject)
    /// Partitions by broker, the hot ones hot.
    case heat
    /// Then against now, while the screen shows the past.
    case compare
    case help

    /// What a describe view describes.
    package enum Subject: Equatable, Sendable {
        case broker(BrokerID)
        case topic(String)
        case partition(TopicPartition)
        case group(String)
        /// By the identity of its row.
        case client(String)
        /// With what failed of a task, or of all.
        case connector(ConnectorName, task: Int?)
        case event(Int)
        case outcome(PlanOutcome)
        case cluster(String)
    }

    /// The word in the breadcrumbs.
    package var crumb: String {
        switch self {
        case .overview: "overview"
        case .brokers: "brokers"
        case .topics: "topics"
        case .topic(let name): name
        case .partitions: "partitions"
        case .reassignments: "reassignments"
        case .quorum: "quorum"
        case .groups: "groups"
        case .group(let id): id
        case .events: "events"
        case .configs: "configs"
        case .transactions: "transactions"
        case .transaction(let id): id
        case .hanging: "hanging"
        case .access: "acls"
        case .quotas: "quotas"
        case .users: "users"
        case .features: "features"
        case .connectors: "connectors"
        case .connector(let id): id.name
        case .clients: "clients"
        case .alerts: "alerts"
        case .schemas: "schemas"
        case .schema(let subject): subject
        case .schemaText(_, let version): "version \(version)"
        case .schemaDiff(_, let from, let to): "\(from) to \(to)"
        case .contexts: "contexts"
        case .clusters: "clusters"
        case .diff: "diff"
        case .tail: "tail"
        case .message(let name): name
        case .describe: "describe"
        case .why: "why"
        case .heat: "heat map"
        case .compare: "then and now"
        case .help: "help"
        }
    }

    /// Whether it is a list of rows with a selection.
    package var isTable: Bool {
        switch self {
        case .brokers, .topics, .topic, .partitions, .reassignments, .quorum, .groups, .group, .events, .configs, .contexts, .heat: true
        case .transactions, .transaction, .hanging, .access, .quotas, .users, .clients, .alerts, .schemas, .schema: true
        case .connectors, .connector, .clusters, .diff, .features: true
        default: false
        }
    }

    /// What the observer has to read for it.
    func screen(below: Place?) -> Interest.Screen {
        switch self {
        case .overview: .overview
        case .brokers: .brokers
        case .topics: .topics
        case .topic(let name): .topic(name)
        case .partitions: .partitions
        case .reassignments: .reassignments
        case .quorum: .quorum
        case .groups: .groups
        case .group(let id): .group(id)
        case .events: .events
        case .configs(let resource): .configs(resource)
        case .transactions: .transactions
        case .transaction(let id): .transaction(id)
        case .hanging: .hanging
        case .access: .access
        case .quotas: .quotas
        case .users: .users
        case .features: .versions
        case .clients, .describe(.client): .clients
        // A sink's lag is that of its consumers.
        case .connectors, .connector, .describe(.connector): .groups
        case .tail(let topics): topics.contains("/") || topics.contains(" ") ? .events : .tail(topics)
        // The cluster itself is not what they show.
        case .schemas, .schema, .schemaText, .schemaDiff, .diff: .quorum
        // Offsets, sizes and lags of all.
        case .heat, .clusters, .describe(.cluster): .overview
        case .describe(.broker), .why(.broker): .brokers
        case .describe(.topic(let name)), .why(.topic(let name)): .topic(name)
        case .describe(.partition(let partition)), .why(.partition(let partition)): .topic(partition.topic)
        case .describe(.group(let id)), .why(.group(let id)): .group(id)
        case .contexts, .alerts, .message, .describe, .why, .compare, .help: below.map { $0.screen(below: nil) } ?? .overview
        }
    }
}
