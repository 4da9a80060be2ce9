import Controller
import Primitives
import Replication
import Storage
import Wire

/// DescribeLogDirs (35), versions 1 to 5: the data directory, the room on its disk, and the size of each partition in it. Null topics: all
/// of them.
extension Broker {
    mutating func handleDescribeLogDirs(_ context: RequestContext, _ request: DescribeLogDirsRequest) {
        var response = DescribeLogDirsResponse()
        guard isAllowed(.describe, context) else {
            response.errorCode = .clusterAuthorizationFailed
            return respond(context, response)
        }
        guard let directory else { return respond(context, response) }
        var result = DescribeLogDirsResponse.Result()
        result.logDir = directory.path
        let space = disk.space(directory.path)
        (result.totalBytes, result.usableBytes) = (space.total, space.free)
        var wanted: [String: Set<Int32>] = [:]
        var names: [String] = request.topics == nil ? image.topics.keys : []
        for topic in request.topics ?? [] {
            if wanted[topic.topic] == nil { names.append(topic.topic) }
            wanted[topic.topic, default: []].formUnion(topic.partitions)
        }
        for name in names {
            let partitions = wanted[name]
            var topic = DescribeLogDirsResponse.Topic()
            topic.name = name
            for replica in replicas.all(of: name) where partitions?.contains(replica.partition.partition) ?? true {
                var row = DescribeLogDirsResponse.Partition()
                row.partitionIndex = replica.partition.partition
                row.partitionSize = replica.log.size
                row.offsetLag = replica.isLeader ? 0 : max(0, replica.highWatermark - replica.log.logEndOffset)
                topic.partitions.append(row)
            }
            if !topic.partitions.isEmpty { result.topics.append(topic) }
        }
        response.results = [result]
        respond(context, response)
    }
}
