import Observatory
import Primitives

// From command lines that move replicas and leaders to what is to be done.
extension PlanActions {
    static func replication(_ invocation: Invocation) throws(Failure) -> PlanAction {
        let words = invocation.positionals
        switch invocation.command {
        case "reassign start": return .reassign(try start(invocation))
        case "reassign drain":
            let broker = try broker(words[0])
            if invocation.isSet("--leaders-only") { return .reassign(Reassign(.all, .leadersAway(broker))) }
            return .reassign(
                Reassign(.all, .without(broker), throttle: try rate(invocation.text("--throttle")), batch: try batch(invocation)))
        case "reassign throttle":
            if words[0] == "none" { return .throttle(nil) }
            guard let rate = try rate(words[0]) else { throw .usage("reassign throttle wants a rate such as 50M, or none") }
            return .throttle(rate)
        case "reassign cancel":
            guard !words.isEmpty else { return .cancelReassignments([]) }
            guard case .partitions(let partitions) = try partitionScope(words) else {
                throw .usage("reassign cancel wants partitions, TOPIC:P,…, or nothing for all")
            }
            return .cancelReassignments(partitions)
        case "leaders elect": return .electLeaders(words.isEmpty ? .all : try partitionScope(words), unclean: invocation.isSet("--unclean"))
        default:
            guard case .partitions = try partitionScope([words[0]]) else { throw .usage("leaders move wants a partition, TOPIC:P") }
            return .reassign(Reassign(try partitionScope([words[0]]), .leader(try broker(words[1]))))
        }
    }

    private static func start(_ invocation: Invocation) throws(Failure) -> Reassign {
        let scope = try partitionScope(invocation.positionals)
        let factor = invocation.integer("--replicas").map { Int($0) }
        let throttle = try rate(invocation.text("--throttle"))
        guard let list = invocation.text("--brokers") else {
            let target = factor.map { Reassign.Target.factor($0) } ?? .brokers([], factor: nil)
            return Reassign(scope, target, throttle: throttle, batch: try batch(invocation))
        }
        var brokers: [BrokerID] = []
        for word in list.split(separator: ",", omittingEmptySubsequences: false) { brokers.append(try broker(String(word))) }
        return Reassign(scope, .brokers(brokers, factor: factor), throttle: throttle, batch: try batch(invocation))
    }

    private static func batch(_ invocation: Invocation) throws(Failure) -> ReassignBatch? {
        guard let text = invocation.text("--batch") else { return nil }
        guard let batch = ReassignBatch(text) else {
            throw .usage("--batch: \"\(text)\" is neither a number of partitions such as 10 nor of bytes such as 50G")
        }
        return batch
    }

    static func partitionScope(_ texts: [String]) throws(Failure) -> PartitionScope {
        switch try scope(texts) {
        case .topics(let names): .topics(names)
        case .partitions(let partitions): .partitions(partitions)
        case .allTopics: .all
        }
    }

    private static func broker(_ text: String) throws(Failure) -> BrokerID {
        guard let id = Int32(text), id >= 0 else { throw .usage("\"\(text)\" is not a broker's number") }
        return BrokerID(id)
    }

    private static func rate(_ text: String?) throws(Failure) -> Int64? {
        guard let text else { return nil }
        guard let rate = ByteText.parse(text), rate > 0 else {
            throw .usage("--throttle: \"\(text)\" is not a rate such as 1000000, 800K, 50M or 1G")
        }
        return rate
    }
}
