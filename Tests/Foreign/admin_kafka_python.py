# time: 120
"""kafka-python's admin client (newest versions): topics by id, pages, quorum, log directories, reassignments, producers."""

import sys
import uuid

import kafka.errors as errors
from kafka import KafkaAdminClient, KafkaProducer, TopicPartition
from kafka.admin import ConfigResource, ConfigResourceType

import harness
from harness import check, checking, done, equal

BOOTSTRAP = harness.BOOTSTRAP or sys.argv[1]
admin = KafkaAdminClient(bootstrap_servers=BOOTSTRAP, request_timeout_ms=15000)


def code(call):
    """The name of the error a call raises, or "ok"."""
    try:
        call()
        return "ok"
    except errors.KafkaError as error:
        return type(error).__name__


def plain(answer):
    return answer.to_dict() if hasattr(answer, "to_dict") else answer


with checking("topics"):
    answer = plain(admin.create_topics({"ap-one": {"num_partitions": 3, "replication_factor": 1, "configs": {"segment.ms": "60000"}}}))
    made = answer["topics"][0]
    equal("made", (made["name"], made["num_partitions"], made["replication_factor"]), ("ap-one", 3, 1))
    own = {name: (setting["value"], setting["config_source"]) for name, setting in made["configs"].items()}
    equal("told with its settings", (own["segment.ms"][0], own["retention.ms"]), ("60000", ("604800000", "DEFAULT_CONFIG")))
    equal("again", code(lambda: admin.create_topics({"ap-one": {"num_partitions": 1, "replication_factor": 1}})), "TopicAlreadyExistsError")
    equal("defaults", code(lambda: admin.create_topics(["ap-two"])), "ok")
    equal("assignments", code(lambda: admin.create_topics({"ap-hand": {"assignments": {0: [1], 1: [1]}}})), "ok")
    equal("unknown broker", code(lambda: admin.create_topics({"ap-bad": {"assignments": {0: [7]}}})), "InvalidReplicationAssignmentError")
    equal("names", sorted(name for name in admin.list_topics() if name.startswith("ap-")), ["ap-hand", "ap-one", "ap-two"])
    (described,) = admin.describe_topics(["ap-one"])
    check("topic id", described["topic_id"] not in (None, str(uuid.UUID(int=0))))
    (by_id,) = admin.describe_topics([uuid.UUID(described["topic_id"])])
    equal("described by id", by_id["name"], "ap-one")
    equal("more partitions", code(lambda: admin.create_partitions({"ap-one": 6})), "ok")
    equal("fewer partitions", code(lambda: admin.create_partitions({"ap-one": 2})), "InvalidPartitionsError")

with checking("pages"):
    cursor, seen, pages = None, [], 0
    while pages < 10:
        page = plain(admin.describe_topic_partitions(["ap-one", "ap-hand", "ap-nowhere"], response_partition_limit=4, cursor=cursor))
        pages += 1
        seen += [(t["name"], p["partition_index"]) for t in page["topics"] for p in t["partitions"]]
        cursor = page["next_cursor"]
        if not cursor:
            break
    equal("every partition once", sorted(seen), [("ap-hand", 0), ("ap-hand", 1)] + [("ap-one", n) for n in range(6)])
    check("in pages", 2 <= pages <= 3, pages)

with checking("settings"):
    topic = ConfigResource(ConfigResourceType.TOPIC, "ap-one")
    everything = admin.describe_configs([topic], include_synonyms=True, config_filter="all")
    check("described", "ap-one" in str(everything) and "604800000" in str(everything))
    change = ConfigResource(ConfigResourceType.TOPIC, "ap-one", configs={"retention.ms": "1234", "cleanup.policy": ("APPEND", "compact")})
    check("altered", "rror" not in str(admin.alter_configs([change])), admin.alter_configs([change]))
    changed = str(admin.describe_configs([topic]))
    check("changed", "1234" in changed and "delete,compact" in changed, changed)
    old = ConfigResource(ConfigResourceType.TOPIC, "ap-one", configs={"retention.bytes": "999"})
    admin.alter_configs([old], incremental=False)
    replaced = str(admin.describe_configs([topic]))
    check("altered the old way", "999" in replaced, replaced)

with checking("cluster"):
    cluster = plain(admin.describe_cluster())
    equal("brokers", [b["broker_id"] for b in cluster["brokers"]], [1])
    check("cluster id", len(cluster["cluster_id"]) == 22)
    quorum = plain(admin.describe_metadata_quorum())
    partition = quorum["topics"][0]["partitions"][0]
    equal("quorum leader", (partition["leader_id"], [v["replica_id"] for v in partition["current_voters"]]), (1, [1]))
    check("metadata is committed", partition["high_watermark"] == partition["current_voters"][0]["log_end_offset"] > 10)
    (directory,) = admin.describe_log_dirs(["ap-one"])[0]["log_dirs"]
    equal("log directory", [(t["name"], len(t["partitions"])) for t in directory["topics"]], [("ap-one", 6)])
    check("room on the disk", 0 < directory["usable_bytes"] <= directory["total_bytes"], directory)

with checking("records and producers"):
    producer = KafkaProducer(bootstrap_servers=BOOTSTRAP, enable_idempotence=True)
    for n in range(30):
        producer.send("ap-hand", b"%d" % n, partition=0)
    producer.flush()
    state = admin.describe_producers([TopicPartition("ap-hand", 0)])[TopicPartition("ap-hand", 0)]
    check("the idempotent producer is known", "last_sequence=29" in str(state), state)
    equal("unknown partition", code(lambda: admin.describe_producers([TopicPartition("ap-hand", 9)])) != "ok", True)
    deleted = admin.delete_records({TopicPartition("ap-hand", 0): 10})
    check("records deleted", "10" in str(deleted), deleted)
    equal("too far", code(lambda: admin.delete_records({TopicPartition("ap-hand", 0): 31})), "OffsetOutOfRangeError")
    producer.close()

with checking("replicas"):
    moved = admin.alter_partition_reassignments({TopicPartition("ap-one", 0): [1], TopicPartition("ap-one", 1): [2]})
    equal("to where it is", moved[TopicPartition("ap-one", 0)], None)
    equal("to an unknown broker", moved[TopicPartition("ap-one", 1)], errors.InvalidReplicationAssignmentError)
    cancelled = admin.alter_partition_reassignments({TopicPartition("ap-one", 0): None})
    equal("nothing to cancel", cancelled[TopicPartition("ap-one", 0)], errors.NoReassignmentInProgressError)
    equal("none under way", dict(admin.list_partition_reassignments()), {})
    elected = plain(admin.elect_leaders(0, {"ap-one": [0]}))
    results = elected["replica_election_results"][0]["partition_result"]
    equal("election", results[0]["error_code"], 84)

with checking("deletion"):
    (described,) = admin.describe_topics(["ap-two"])
    equal("by id", code(lambda: admin.delete_topics([uuid.UUID(described["topic_id"])])), "ok")
    equal("by name", code(lambda: admin.delete_topics(["ap-one", "ap-hand"])), "ok")
    equal("unknown", code(lambda: admin.delete_topics(["ap-one"])), "UnknownTopicOrPartitionError")
    equal("unknown id", code(lambda: admin.delete_topics([uuid.UUID(int=77)])), "UnknownTopicIdError")
    equal("gone", [name for name in admin.list_topics() if name.startswith("ap-")], [])

admin.close()
done()
