# time: 120
"""confluent-kafka's admin client (librdkafka 2.16): topics, partitions, settings, records, cluster, elections; and what is refused."""

import sys

from confluent_kafka import Consumer, ElectionType, KafkaException, Producer, TopicCollection, TopicPartition
from confluent_kafka.admin import (
    AdminClient, AlterConfigOpType, ConfigEntry, ConfigResource, NewPartitions, NewTopic, OffsetSpec, ResourceType)

import harness
from harness import check, checking, done, equal, wait_until

BOOTSTRAP = harness.BOOTSTRAP or sys.argv[1]
admin = AdminClient({"bootstrap.servers": BOOTSTRAP})


def outcome(futures):
    """The name of the error of the one future, or "ok"."""
    (future,) = futures.values()
    try:
        future.result(20)
        return "ok"
    except KafkaException as error:
        return error.args[0].name()


def configs(resource):
    (future,) = admin.describe_configs([resource]).values()
    return future.result(20)


def increment(kind, name, key, operation, value=None):
    entry = ConfigEntry(key, value, incremental_operation=operation)
    return outcome(admin.incremental_alter_configs([ConfigResource(kind, name, incremental_configs=[entry])]))


def create(name, partitions=1, factor=1, config=None):
    return outcome(admin.create_topics([NewTopic(name, partitions, factor, config=config or {})]))


with checking("topics"):
    equal("create", create("ac-orders", 3, config={"retention.ms": "3600000"}), "ok")
    equal("create again", create("ac-orders", 3), "TOPIC_ALREADY_EXISTS")
    equal("bad name", create("ac bad!"), "TOPIC_EXCEPTION")
    equal("collision", (create("ac.x"), create("ac_x")), ("ok", "TOPIC_EXCEPTION"))
    equal("no partitions", create("ac-none", 0), "INVALID_PARTITIONS")
    equal("too many replicas", create("ac-many", 1, 9), "INVALID_REPLICATION_FACTOR")
    equal("unknown config", create("ac-conf", config={"no.such.key": "1"}), "INVALID_CONFIG")
    equal("bad config value", create("ac-conf", config={"retention.ms": "soon"}), "INVALID_CONFIG")
    equal("defaults", create("ac-defaults", -1, -1), "ok")
    (validated,) = admin.create_topics([NewTopic("ac-only", 2, 1)], validate_only=True).values()
    validated.result(20)
    found = admin.list_topics(timeout=10).topics
    check("validate only makes nothing", "ac-only" not in found)
    equal("partitions", sorted(found["ac-orders"].partitions), [0, 1, 2])
    equal("assigned by hand", outcome(admin.create_topics([NewTopic("ac-manual", 2, replica_assignment=[[1], [1]])])), "ok")
    check("described", all(p.leader == 1 and p.replicas == [1] for p in found["ac-orders"].partitions.values()))

with checking("partitions"):
    equal("more", outcome(admin.create_partitions([NewPartitions("ac-orders", 5)])), "ok")
    equal("fewer", outcome(admin.create_partitions([NewPartitions("ac-orders", 2)])), "INVALID_PARTITIONS")
    equal("unknown topic", outcome(admin.create_partitions([NewPartitions("ac-nowhere", 2)])), "UNKNOWN_TOPIC_OR_PART")
    check("five now", wait_until(lambda: len(admin.list_topics("ac-orders", 10).topics["ac-orders"].partitions) == 5))

with checking("settings"):
    orders = ConfigResource(ResourceType.TOPIC, "ac-orders")
    entries = configs(orders)
    equal("own value", (entries["retention.ms"].value, entries["retention.ms"].source), ("3600000", 1))
    size = entries["segment.bytes"]
    equal("default", (size.value, size.source, size.is_default), ("1073741824", 5, True))
    equal("synonym", sorted(entries["cleanup.policy"].synonyms), ["log.cleanup.policy"])
    equal("all keys", len(entries), 33)
    topic = ResourceType.TOPIC
    equal("set", increment(topic, "ac-orders", "max.message.bytes", AlterConfigOpType.SET, "2000"), "ok")
    equal("append", increment(topic, "ac-orders", "cleanup.policy", AlterConfigOpType.APPEND, "compact"), "ok")
    equal("appended", configs(orders)["cleanup.policy"].value, "delete,compact")
    equal("subtract", increment(topic, "ac-orders", "cleanup.policy", AlterConfigOpType.SUBTRACT, "compact"), "ok")
    equal("delete", increment(topic, "ac-orders", "retention.ms", AlterConfigOpType.DELETE), "ok")
    entries = configs(orders)
    equal("back to the default", (entries["retention.ms"].value, entries["retention.ms"].source), ("604800000", 5))
    equal("append to a number", increment(topic, "ac-orders", "retention.ms", AlterConfigOpType.APPEND, "1"), "INVALID_CONFIG")
    equal("unknown key", increment(topic, "ac-orders", "no.such.key", AlterConfigOpType.SET, "1"), "INVALID_CONFIG")
    equal("unknown topic", increment(topic, "ac-nowhere", "retention.ms", AlterConfigOpType.SET, "1"), "UNKNOWN_TOPIC_OR_PART")
    producer = Producer({"bootstrap.servers": BOOTSTRAP})
    reports = []
    producer.produce("ac-orders", b"x" * 5000, partition=0, on_delivery=lambda error, message: reports.append(error))
    producer.flush(20)
    equal("max.message.bytes holds for live logs", [error and error.name() for error in reports], ["MSG_SIZE_TOO_LARGE"])
    equal("whole replacement", outcome(admin.alter_configs([ConfigResource(topic, "ac-orders", set_config={"retention.ms": "7"})])), "ok")
    entries = configs(orders)
    equal("what was not named is gone", (entries["retention.ms"].value, entries["max.message.bytes"].source), ("7", 5))

with checking("broker settings"):
    broker = ConfigResource(ResourceType.BROKER, "1")
    entries = configs(broker)
    equal("node.id", (entries["node.id"].value, entries["node.id"].is_read_only, entries["node.id"].source), ("1", True, 4))
    check("secrets are hidden", entries["sasl.jaas.config"].is_sensitive and entries["sasl.jaas.config"].value is None)
    kind = ResourceType.BROKER
    equal("set", increment(kind, "1", "log.cleaner.threads", AlterConfigOpType.SET, "2"), "ok")
    check("in force", wait_until(lambda: configs(broker)["log.cleaner.threads"].value == "2"))
    equal("source", configs(broker)["log.cleaner.threads"].source, 2)
    equal("read-only", increment(kind, "1", "log.dirs", AlterConfigOpType.SET, "/x"), "INVALID_REQUEST")
    equal("bad value", increment(kind, "1", "num.io.threads", AlterConfigOpType.SET, "many"), "INVALID_REQUEST")

with checking("records"):
    reports = []
    for n in range(100):
        producer.produce("ac-manual", str(n), partition=n % 2, on_delivery=lambda error, _: reports.append(error))
    producer.flush(20)
    equal("produced", reports.count(None), 100)
    zero = TopicPartition("ac-manual", 0, 20)
    (deleted,) = admin.delete_records([zero]).values()
    equal("low watermark", deleted.result(20).low_watermark, 20)
    consumer = Consumer({"bootstrap.servers": BOOTSTRAP, "group.id": "ac"})
    equal("start and end", consumer.get_watermark_offsets(TopicPartition("ac-manual", 0), 10), (20, 50))
    equal("too far", outcome(admin.delete_records([TopicPartition("ac-manual", 0, 51)])), "OFFSET_OUT_OF_RANGE")
    equal("unknown partition", outcome(admin.delete_records([TopicPartition("ac-manual", 9, 1)], request_timeout=5)) != "ok", True)
    (earliest,) = admin.list_offsets({TopicPartition("ac-manual", 0): OffsetSpec.earliest()}).values()
    equal("earliest", earliest.result(20).offset, 20)
    consumer.close()

with checking("cluster"):
    cluster = admin.describe_cluster(include_authorized_operations=True).result(20)
    equal("nodes", [node.id for node in cluster.nodes], [1])
    check("cluster id and controller", len(cluster.cluster_id) == 22 and cluster.controller.id == 1)
    described = admin.describe_topics(TopicCollection(["ac-orders"]))["ac-orders"].result(20)
    equal("described topic", (described.name, len(described.partitions), described.is_internal), ("ac-orders", 5, False))
    check("topic id", not str(described.topic_id).startswith("AAAAAAAAAAAAAAAAAAAAA"))
    election = admin.elect_leaders(ElectionType.PREFERRED, [TopicPartition("ac-orders", 0), TopicPartition("ac-nowhere", 0)]).result(20)
    names = {partition.topic: error.name() if error else None for partition, error in election.items()}
    equal("elections", names, {"ac-orders": "ELECTION_NOT_NEEDED", "ac-nowhere": "UNKNOWN_TOPIC_OR_PART"})

with checking("deletion"):
    equal("delete", outcome(admin.delete_topics(["ac-orders"])), "ok")
    equal("delete again", outcome(admin.delete_topics(["ac-orders"])), "UNKNOWN_TOPIC_OR_PART")
    check("gone", "ac-orders" not in admin.list_topics(timeout=10).topics)
    equal("made again with another id", create("ac-orders"), "ok")
    again = admin.describe_topics(TopicCollection(["ac-orders"]))["ac-orders"].result(20)
    check("another topic", str(again.topic_id) != str(described.topic_id))

done()
