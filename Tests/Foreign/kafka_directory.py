# time: 120
# broker: none
"""A data directory that Apache Kafka 4.3.1 wrote, stopped properly or killed, is served as it is: topics, settings, records in every codec,
transactions, groups. Then it is written to, killed, and served again."""

import glob
import os
import re
import signal
import subprocess
import tarfile
import tempfile

from confluent_kafka import OFFSET_BEGINNING, Consumer, ConsumerGroupTopicPartitions, KafkaError, Producer, TopicPartition
from confluent_kafka.admin import AdminClient, ConfigResource, ResourceType

from harness import PROGRAM, TMP, check, checking, done, equal

FIXTURES = os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "Fixtures", "disk")


class Served:
    """`kastellan broker` on a directory."""

    def __init__(self, data):
        self.settings = os.path.join(TMP, os.path.basename(data) + ".properties")
        with open(self.settings, "w", encoding="utf-8") as file:
            file.write(f"node.id=1\nlisteners=PLAINTEXT://127.0.0.1:0\nlog.dirs={data}\nlog.retention.ms=-1\n")

    def __enter__(self):
        self.log = open(self.settings + ".log", "ab")
        self.process = subprocess.Popen([PROGRAM, "broker", self.settings], stdout=subprocess.PIPE, stderr=self.log)
        self.bootstrap = self.process.stdout.readline().decode().strip().split("=", 1)[-1]
        return self

    def __exit__(self, *_):
        self.process.kill()
        self.process.wait()


def offsets(bootstrap, topic, isolation="read_committed"):
    """The offsets of partition 0 in order, to its end."""
    consumer = Consumer({
        "bootstrap.servers": bootstrap, "group.id": "reader", "isolation.level": isolation, "enable.partition.eof": True,
        "enable.auto.commit": False, "fetch.wait.max.ms": 20})
    consumer.assign([TopicPartition(topic, 0, OFFSET_BEGINNING)])
    found = []
    while True:
        message = consumer.poll(10)
        if message is None or message.error():
            check(f"{topic} read to its end", message is not None and message.error().code() == KafkaError._PARTITION_EOF, message)
            break
        found.append(message.offset())
    consumer.close()
    return found


def dumped(case, topic):
    """The offsets that Kafka's own dump tool printed, control records left out."""
    with open(os.path.join(FIXTURES, case, topic + ".dump.txt"), encoding="utf-8") as file:
        return [int(line.split()[2]) for line in file if line.startswith("| offset:") and "endTxnMarker" not in line]


def verify(case, broker, more=0):
    admin = AdminClient({"bootstrap.servers": broker.bootstrap})
    topics = admin.list_topics(timeout=20).topics
    check(f"{case}: every partition has its leader", all(p.leader == 1 for t in topics.values() for p in t.partitions.values()))
    equal(f"{case}: partitions", {n: len(topics[n].partitions) for n in ("codecs", "multi", "__consumer_offsets")},
          {"codecs": 1, "multi": 3, "__consumer_offsets": 50})
    (settings,) = admin.describe_configs([ConfigResource(ResourceType.TOPIC, "compacted")]).values()
    settings = settings.result(20)
    equal(f"{case}: settings", (settings["cleanup.policy"].value, settings["segment.ms"].value), ("compact", "1500"))
    wanted = dumped(case, "codecs")
    equal(f"{case}: records in every codec", offsets(broker.bootstrap, "codecs"), wanted + [wanted[-1] + 1 + n for n in range(more)])
    # One transaction is still open at 22 and 23; those at 4, 12 and 18 were aborted.
    equal(f"{case}: committed transactions", offsets(broker.bootstrap, "txn"), [0, 1, 2, 8, 9, 10, 16, 20, 21])
    equal(f"{case}: all transactions", offsets(broker.bootstrap, "txn", "read_uncommitted"), dumped(case, "txn"))
    equal(f"{case}: four segments", offsets(broker.bootstrap, "segments"), dumped(case, "segments"))
    check(f"{case}: trimmed", min(offsets(broker.bootstrap, "trimmed")) == 4)
    groups = {group.group_id for group in admin.list_consumer_groups().result(20).valid}
    check(f"{case}: groups", len(groups) >= 3, groups)
    return admin, groups


for case in ["clean", "killed"]:
    with checking(case):
        data = tempfile.mkdtemp(prefix=case + "-", dir=TMP)
        for archive in sorted(glob.glob(os.path.join(FIXTURES, case, "*.tar.gz"))):
            with tarfile.open(archive) as tar:
                tar.extractall(data, filter="data") if hasattr(tarfile, "data_filter") else tar.extractall(data)
        for path, _, names in os.walk(data):
            for name in names:
                os.chmod(os.path.join(path, name), 0o644)
        with Served(data) as broker:
            admin, before = verify(case, broker)
            with_offsets = sorted(group for group in before if re.match("classic|range|plain|simple", group)) or sorted(before)
            (answer,) = admin.list_consumer_group_offsets([ConsumerGroupTopicPartitions(with_offsets[0])]).values()
            check(f"{case}: committed offsets", any(p.offset >= 0 for p in answer.result(20).topic_partitions))
            failures = []
            producer = Producer({"bootstrap.servers": broker.bootstrap, "enable.idempotence": True})
            for n in range(20):
                producer.produce("codecs", f"more {n}", on_delivery=lambda error, _: failures.append(error))
            producer.flush(20)
            equal(f"{case}: written to", failures, [None] * 20)
        with Served(data) as broker:
            _, after = verify(f"{case}", broker, more=20)
            equal(f"{case}: the same groups after kill -9", after, before)
            broker.process.send_signal(signal.SIGTERM)
            equal(f"{case}: stops cleanly", broker.process.wait(20), 0)

done()
