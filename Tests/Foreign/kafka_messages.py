"""Messages that kafka-python does not describe, in few words, for kafka_codec. All are flexible from their version 0 on.

A field is `Name:type`; `?` after the type: may be null, and is by default; `@1+`: in these versions only; `#0`: a tagged field; `=-1`: the
default; `[ … ]`: a list of structures, `{ … }`: one structure. Fields without a type are strings.
"""

import re

_ENDPOINTS = "[NodeId:int32 Host Port:int32 Rack?]"
_PARTITIONS = "TopicPartitions[TopicId:uuid Partitions:[]int32]"
_NAMED = "{TopicPartitions[TopicId:uuid TopicName Partitions:[]int32]}"
_BATCHES = "AcknowledgementBatches[FirstOffset:int64 LastOffset:int64 AcknowledgeTypes:[]int8]"
_LEADER = "CurrentLeader{LeaderId:int32 LeaderEpoch:int32}"
_HEARD = "ThrottleTimeMs:int32 ErrorCode:int16"

# name: (key, request, response)
_MESSAGES = {
    "ConsumerGroupHeartbeat": (68, "GroupId MemberId MemberEpoch:int32 InstanceId? RackId? RebalanceTimeoutMs:int32=-1 SubscribedTopicNames:[]string? "
                               f"SubscribedTopicRegex?@1+ ServerAssignor? {_PARTITIONS}?",
                               f"{_HEARD} ErrorMessage? MemberId? MemberEpoch:int32 HeartbeatIntervalMs:int32 Assignment{{{_PARTITIONS}}}?"),
    "ConsumerGroupDescribe": (69, "GroupIds:[]string IncludeAuthorizedOperations:bool",
                              "ThrottleTimeMs:int32 Groups[ErrorCode:int16 ErrorMessage? GroupId GroupState GroupEpoch:int32 AssignmentEpoch:int32 "
                              "AssignorName Members[MemberId InstanceId? RackId? MemberEpoch:int32 ClientId ClientHost "
                              f"SubscribedTopicNames:[]string SubscribedTopicRegex? Assignment{_NAMED} TargetAssignment{_NAMED} "
                              "MemberType:int8@1+] AuthorizedOperations:int32]"),
    "ShareGroupHeartbeat": (76, "GroupId MemberId MemberEpoch:int32 RackId? SubscribedTopicNames:[]string?",
                            f"{_HEARD} ErrorMessage? MemberId? MemberEpoch:int32 HeartbeatIntervalMs:int32 Assignment{{{_PARTITIONS}}}?"),
    "ShareGroupDescribe": (77, "GroupIds:[]string IncludeAuthorizedOperations:bool",
                           "ThrottleTimeMs:int32 Groups[ErrorCode:int16 ErrorMessage? GroupId GroupState GroupEpoch:int32 AssignmentEpoch:int32 "
                           f"AssignorName Members[MemberId RackId? MemberEpoch:int32 ClientId ClientHost SubscribedTopicNames:[]string "
                           f"Assignment{_NAMED}] AuthorizedOperations:int32]"),
    "ShareFetch": (78, "GroupId? MemberId? ShareSessionEpoch:int32 MaxWaitMs:int32 MinBytes:int32 MaxBytes:int32 MaxRecords:int32 BatchSize:int32 "
                   f"Topics[TopicId:uuid Partitions[PartitionIndex:int32 {_BATCHES}]] ForgottenTopicsData[TopicId:uuid Partitions:[]int32]",
                   f"{_HEARD} ErrorMessage? AcquisitionLockTimeoutMs:int32 Responses[TopicId:uuid Partitions[PartitionIndex:int32 ErrorCode:int16 "
                   f"ErrorMessage? AcknowledgeErrorCode:int16 AcknowledgeErrorMessage? {_LEADER} Records:records "
                   f"AcquiredRecords[FirstOffset:int64 LastOffset:int64 DeliveryCount:int16]]] NodeEndpoints{_ENDPOINTS}"),
    "ShareAcknowledge": (79, f"GroupId? MemberId? ShareSessionEpoch:int32 Topics[TopicId:uuid Partitions[PartitionIndex:int32 {_BATCHES}]]",
                         f"{_HEARD} ErrorMessage? Responses[TopicId:uuid Partitions[PartitionIndex:int32 ErrorCode:int16 ErrorMessage? {_LEADER}]] "
                         f"NodeEndpoints{_ENDPOINTS}"),
    "UnregisterBroker": (64, "BrokerId:int32", f"{_HEARD} ErrorMessage?"),
    "GetTelemetrySubscriptions": (71, "ClientInstanceId:uuid", f"{_HEARD} ClientInstanceId:uuid SubscriptionId:int32 "
                                  "AcceptedCompressionTypes:[]int8 PushIntervalMs:int32 TelemetryMaxBytes:int32 DeltaTemporality:bool "
                                  "RequestedMetrics:[]string"),
    "PushTelemetry": (72, "ClientInstanceId:uuid SubscriptionId:int32 Terminating:bool CompressionType:int8 Metrics:bytes", _HEARD),
    "AllocateProducerIds": (67, "BrokerId:int32 BrokerEpoch:int64", f"{_HEARD} ProducerIdStart:int64 ProducerIdLen:int32"),
    "BrokerHeartbeat": (63, "BrokerId:int32 BrokerEpoch:int64 CurrentMetadataOffset:int64 WantFence:bool WantShutDown:bool",
                        f"{_HEARD} IsCaughtUp:bool IsFenced:bool ShouldShutDown:bool"),
    "BrokerRegistration": (62, "BrokerId:int32 ClusterId IncarnationId:uuid Listeners[Name Host Port:uint16 SecurityProtocol:int16] "
                           "Features[Name MinSupportedVersion:int16 MaxSupportedVersion:int16] Rack? IsMigratingZkBroker:bool@1+ "
                           "LogDirs:[]uuid@2+ PreviousBrokerEpoch:int64@3+", f"{_HEARD} BrokerEpoch:int64"),
    "Vote": (52, "ClusterId? VoterId:int32@1+ Topics[TopicName Partitions[PartitionIndex:int32 ReplicaEpoch:int32 ReplicaId:int32 "
             "ReplicaDirectoryId:uuid@1+ VoterDirectoryId:uuid@1+ LastOffsetEpoch:int32 LastOffset:int64 PreVote:bool@2+]]",
             "ErrorCode:int16 Topics[TopicName Partitions[PartitionIndex:int32 ErrorCode:int16 LeaderId:int32 LeaderEpoch:int32 VoteGranted:bool]] "
             "NodeEndpoints#0[NodeId:int32 Host Port:uint16]"),
    "FetchSnapshot": (59, "ClusterId?#0 ReplicaId:int32 MaxBytes:int32 Topics[Name Partitions[Partition:int32 CurrentLeaderEpoch:int32 "
                      "SnapshotId{EndOffset:int64 Epoch:int32} Position:int64]]",
                      f"{_HEARD} Topics[Name Partitions[Index:int32 ErrorCode:int16 SnapshotId{{EndOffset:int64 Epoch:int32}} Size:int64 "
                      "Position:int64 UnalignedRecords:records]]"),
    "BeginQuorumEpoch": (53, "ClusterId? VoterId:int32 Topics[TopicName Partitions[PartitionIndex:int32 VoterDirectoryId:uuid LeaderId:int32 "
                         "LeaderEpoch:int32]] LeaderEndpoints[Name Host Port:uint16]",
                         "ErrorCode:int16 Topics[TopicName Partitions[PartitionIndex:int32 ErrorCode:int16 LeaderId:int32 LeaderEpoch:int32]]"),
    # Not served: what is asked matters, for the answer is a closed connection; their answers are not described.
    "CreateDelegationToken": (38, "OwnerPrincipalType? OwnerPrincipalName? Renewers[PrincipalType PrincipalName] MaxLifetimeMs:int64", None),
    "AddRaftVoter": (80, "ClusterId? TimeoutMs:int32 VoterId:int32 VoterDirectoryId:uuid Listeners[Name Host Port:uint16]", None),
    "StreamsGroupHeartbeat": (88, "GroupId MemberId MemberEpoch:int32 EndpointInformationEpoch:int32", None),
    "StreamsGroupDescribe": (89, "GroupIds:[]string IncludeAuthorizedOperations:bool", None),
}

_FIELD = re.compile(r"\s*(\w+)(?::((?:\[\])?\w+))?([?]?)(?:@([\d+]+))?(?:#(\d+))?(?:=(-?\d+))?")
_AFTER = re.compile(r"([?]?)(?:@([\d+]+))?")


def _fields(text, at=0, end=None):
    """The fields from `at` to the closing bracket `end`, as kafka_codec wants them, and where they end."""
    found = []
    while at < len(text):
        if end and text[at:].lstrip().startswith(end):
            return found, at + text[at:].index(end) + 1
        match = _FIELD.match(text, at)
        name, kind, optional, versions, tag, default = match.groups()
        at = match.end()
        field = {"name": name, "type": kind or "string", "versions": versions or "0+"}
        if at < len(text) and text[at] in "[{":
            inner, at = _fields(text, at + 1, {"[": "]", "{": "}"}[text[at]])
            field.update(type=("[]" if text[match.end()] == "[" else "") + name, fields=inner)
            optional, later = _AFTER.match(text, at).groups()
            at = _AFTER.match(text, at).end()
            field["versions"] = later or field["versions"]
        if optional:
            field.update(nullableVersions="0+", default="null")
        if default:
            field["default"] = default
        if tag:
            field.update(tag=int(tag), taggedVersions="0+")
        found.append(field)
        at += len(text[at:]) - len(text[at:].lstrip())
    return found, at


def schemas():
    """(requests, responses) by name."""
    requests, responses = {}, {}
    for name, (key, request, response) in _MESSAGES.items():
        for text, suffix, into in ((request, "Request", requests), (response, "Response", responses)):
            if text is not None:
                into[name] = {"apiKey": key, "name": name + suffix, "flexibleVersions": "0+", "fields": _fields(text)[0]}
    return requests, responses
