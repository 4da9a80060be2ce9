# time: 180
"""confluent-kafka (librdkafka 2.16): every codec, a group of three with rebalances, commit and resume, offsets for times, admin."""

import threading
import time

from confluent_kafka import OFFSET_BEGINNING, Consumer, KafkaError, KafkaException, Producer, TopicPartition
from confluent_kafka.admin import AdminClient, ConfigResource, NewPartitions, NewTopic

from harness import BOOTSTRAP, CODECS, check, checking, done, equal, wait_until

admin = AdminClient({"bootstrap.servers": BOOTSTRAP})


def produce(topic, records, **settings):
    """Writes (key, value) pairs and returns the errors of their delivery reports."""
    failures, written = [], []
    producer = Producer({"bootstrap.servers": BOOTSTRAP, "linger.ms": 5, **{k.replace("_", "."): v for k, v in settings.items()}})

    def report(error, message):
        (failures if error else written).append(error or (message.partition(), message.offset()))

    for key, value in records:
        producer.produce(topic, value, key, headers=[("n", b"1"), ("n", None)], on_delivery=report)
        producer.poll(0)
    producer.flush(30)
    return failures, written


def consumer(group, **settings):
    return Consumer({
        "bootstrap.servers": BOOTSTRAP, "group.id": group, "auto.offset.reset": "earliest", "enable.auto.commit": False,
        "session.timeout.ms": 6000, **{k.replace("_", "."): v for k, v in settings.items()}})


def read_partition(topic, partition, count, **settings):
    reader = consumer("reader", **settings)
    reader.assign([TopicPartition(topic, partition, OFFSET_BEGINNING)])
    found = []
    end = time.monotonic() + 20
    while len(found) < count and time.monotonic() < end:
        found += [m for m in reader.consume(500, 0.5) if not m.error()]
    reader.close()
    return found


def codecs():
    for codec in CODECS:
        topic = f"codec-{codec}"
        records = [(b"k%d" % i, b"v%d " % i * 20) for i in range(2000)]
        failures, written = produce(topic, records, compression_type=codec, enable_idempotence=codec in ["none", "zstd"])
        check(f"{codec}: 2000 records acknowledged", not failures and len(written) == 2000, failures[:2])
        found = read_partition(topic, 0, 2000)
        check(f"{codec}: and read back in order with headers",
              [(m.key(), m.value()) for m in found] == records and found[0].headers() == [("n", b"1"), ("n", None)], len(found))


class Member(threading.Thread):
    """A group member that polls until told to stop, and keeps what it was given and what it read."""

    def __init__(self, group, topic, **settings):
        super().__init__(daemon=True)
        self.consumer = consumer(group, **settings)
        self.topic, self.owned, self.read, self.stopping = topic, [], [], False
        self.cooperative = settings.get("partition_assignment_strategy") == "cooperative-sticky"

    def run(self):
        def assigned(member, partitions):
            if self.cooperative:
                member.incremental_assign(partitions)
            else:
                member.assign(partitions)

        self.consumer.subscribe([self.topic], on_assign=assigned)
        while not self.stopping:
            message = self.consumer.poll(0.1)
            if message and not message.error():
                self.read.append((message.partition(), message.offset()))
            # Asked for on this thread only: the client may be in the middle of a rebalance, and then others wait for it.
            self.owned = sorted(p.partition for p in self.consumer.assignment())
        self.consumer.close()

    def stop(self):
        self.stopping = True
        self.join(15)


def group(strategy):
    topic, name = f"group-{strategy}", f"confluent-{strategy}"
    admin.create_topics([NewTopic(topic, 6, 1)])[topic].result(10)
    produce(topic, [(b"k%d" % i, b"v") for i in range(600)])
    settings = {"partition_assignment_strategy": strategy}
    members = [Member(name, topic, **settings)]
    members[0].start()
    check(f"{strategy}: one member owns all six", wait_until(lambda: members[0].owned == list(range(6))), members[0].owned)
    for _ in range(2):
        members.append(Member(name, topic, **settings))
        members[-1].start()
    balanced = wait_until(lambda: sorted(sum((m.owned for m in members), [])) == list(range(6)) and all(len(m.owned) == 2 for m in members), 30)
    check(f"{strategy}: three members own two each", balanced, [m.owned for m in members])
    members.pop().stop()
    shared = wait_until(lambda: sorted(sum((m.owned for m in members), [])) == list(range(6)), 30)
    check(f"{strategy}: when one leaves, the others take over", shared, [m.owned for m in members])
    everything = wait_until(lambda: len({r for m in members for r in m.read}) >= 400, 10)
    check(f"{strategy}: records were read", everything, [len(m.read) for m in members])
    for member in members:
        member.stop()


def commit_and_resume():
    topic = "resume"
    produce(topic, [(None, b"%d" % i) for i in range(100)])
    first = consumer("resumers")
    first.subscribe([topic])
    got = []
    end = time.monotonic() + 20
    while len(got) < 40 and time.monotonic() < end:
        got += [m for m in first.consume(min(10, 40 - len(got)), 0.5) if not m.error()]
    first.commit(message=got[-1], asynchronous=False)
    first.close()
    second = consumer("resumers")
    second.subscribe([topic])
    got = []
    end = time.monotonic() + 20
    while len(got) < 60 and time.monotonic() < end:
        got += [m for m in second.consume(100, 0.5) if not m.error()]
    equal("resumes at the commit", (got[0].value(), len(got)), (b"40", 60))
    committed = second.committed([TopicPartition(topic, 0)], 10)[0]
    equal("committed says so", committed.offset, 40)
    second.close()


def times_and_watermarks():
    topic = "stamps"
    producer = Producer({"bootstrap.servers": BOOTSTRAP})
    for index in range(10):
        producer.produce(topic, b"%d" % index, timestamp=1_700_000_000_000 + index * 1000)
    producer.flush(10)
    reader = consumer("times")
    found = reader.offsets_for_times([TopicPartition(topic, 0, 1_700_000_000_000 + 4500)], 10)
    equal("offsets for times", found[0].offset, 5)
    equal("watermarks", reader.get_watermark_offsets(TopicPartition(topic, 0), 10), (0, 10))
    reader.close()


def administration():
    admin.create_topics([NewTopic("adm", 2, 1, config={"retention.ms": "60000"})])["adm"].result(10)
    with checking("create again is refused"):
        try:
            admin.create_topics([NewTopic("adm", 2, 1)])["adm"].result(10)
            check("create again is refused", False, "it was not")
        except KafkaException as error:
            equal("create again is refused", error.args[0].code(), KafkaError.TOPIC_ALREADY_EXISTS)
    admin.create_partitions([NewPartitions("adm", 5)])["adm"].result(10)
    count = wait_until(lambda: len(admin.list_topics("adm", 10).topics["adm"].partitions) == 5)
    check("partitions added", count, "")
    resource = ConfigResource(ConfigResource.Type.TOPIC, "adm")
    settings = admin.describe_configs([resource])[resource].result(10)
    equal("the config set at creation", settings["retention.ms"].value, "60000")
    equal("a default among the configs", settings["cleanup.policy"].value, "delete")
    groups = admin.list_consumer_groups().result(10)
    check("groups are listed", "resumers" in [g.group_id for g in groups.valid], [g.group_id for g in groups.valid])
    described = admin.describe_consumer_groups(["resumers"])["resumers"].result(10)
    equal("a group is described", described.state.name, "EMPTY")
    admin.delete_consumer_groups(["resumers"])["resumers"].result(10)
    admin.delete_topics(["adm"])["adm"].result(10)
    gone = wait_until(lambda: "adm" not in admin.list_topics(timeout=10).topics)
    check("topic deleted", gone, "")
    cluster = admin.describe_cluster().result(10)
    check("cluster described", len(cluster.nodes) in (1, 3) and cluster.controller is not None, cluster)


for part in [codecs, lambda: group("range"), lambda: group("cooperative-sticky"), commit_and_resume, times_and_watermarks, administration]:
    with checking(getattr(part, "__name__", "group")):
        part()
done()
