import Controller
import Primitives
import Wire

/// ListPartitionReassignments (46), version 0: partitions on their way to other replicas. What is not on its way is not told of.
extension Broker {
    mutating func handleListPartitionReassignments(_ context: RequestContext, _ request: ListPartitionReassignmentsRequest) {
        respond(context, controller.listReassignments(request))
    }
}
