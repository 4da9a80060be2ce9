# time: 180
"""kafka-python 3.0: every codec, a group of three with rebalances, commit and resume, offsets for times, admin."""

import threading
import time

from kafka import KafkaAdminClient, KafkaConsumer, KafkaProducer, TopicPartition
from kafka.admin import NewTopic
from kafka.errors import KafkaError
from kafka.structs import OffsetAndMetadata

from harness import BOOTSTRAP, CODECS, check, checking, done, equal, kastellan, wait_until


def codecs():
    for codec in CODECS:
        topic = f"kp-{codec}"
        producer = KafkaProducer(bootstrap_servers=BOOTSTRAP, compression_type=None if codec == "none" else codec, acks="all", linger_ms=5)
        futures = [producer.send(topic, key=b"k%d" % i, value=b"v%d " % i * 10, headers=[("h", b"x")]) for i in range(500)]
        producer.flush(30)
        offsets = [f.get(10).offset for f in futures]
        equal(f"{codec}: 500 records acknowledged", (min(offsets), max(offsets)), (0, 499))
        producer.close()
        reader = KafkaConsumer(topic, bootstrap_servers=BOOTSTRAP, auto_offset_reset="earliest", group_id=None, consumer_timeout_ms=1500)
        found = [(m.key, m.value) for m in reader]
        check(f"{codec}: and read back in order", found == [(b"k%d" % i, b"v%d " % i * 10) for i in range(500)], len(found))
        reader.close()


class Member(threading.Thread):
    def __init__(self, group, topic):
        super().__init__(daemon=True)
        self.group, self.topic = group, topic
        self.owned, self.read, self.stopping, self.error = [], 0, False, None

    def run(self):
        try:
            consumer = KafkaConsumer(
                self.topic, bootstrap_servers=BOOTSTRAP, group_id=self.group, auto_offset_reset="earliest", session_timeout_ms=6000,
                heartbeat_interval_ms=500, enable_auto_commit=True, auto_commit_interval_ms=200)
            while not self.stopping:
                records = consumer.poll(timeout_ms=100)
                self.read += sum(len(batch) for batch in records.values())
                self.owned = sorted(p.partition for p in consumer.assignment())
            consumer.close()
        except KafkaError as error:
            self.error = error

    def stop(self):
        self.stopping = True
        self.join(20)


def group():
    kastellan("topics", "create", "kp-group", "-p", "6")
    producer = KafkaProducer(bootstrap_servers=BOOTSTRAP)
    for index in range(300):
        producer.send("kp-group", key=b"%d" % index, value=b"v")
    producer.flush(20)
    producer.close()
    members = [Member("kp-members", "kp-group")]
    members[0].start()
    check("one member owns all six", wait_until(lambda: members[0].owned == list(range(6))), (members[0].owned, members[0].error))
    for _ in range(2):
        members.append(Member("kp-members", "kp-group"))
        members[-1].start()
    balanced = wait_until(lambda: all(len(m.owned) == 2 for m in members) and sorted(sum((m.owned for m in members), [])) == list(range(6)), 30)
    check("three members own two each", balanced, [(m.owned, m.error) for m in members])
    members.pop(0).stop()
    shared = wait_until(lambda: sorted(sum((m.owned for m in members), [])) == list(range(6)), 30)
    check("when one leaves, the others take over", shared, [m.owned for m in members])
    for member in members:
        member.stop()


def commit_and_resume():
    partition = TopicPartition("kp-none", 0)
    first = KafkaConsumer(bootstrap_servers=BOOTSTRAP, group_id="kp-resume", enable_auto_commit=False, auto_offset_reset="earliest")
    first.assign([partition])
    got = []
    end = time.monotonic() + 20
    while len(got) < 10 and time.monotonic() < end:
        for batch in first.poll(timeout_ms=200, max_records=10).values():
            got += batch
    first.commit({partition: OffsetAndMetadata(10, "at ten", -1)})
    first.close()
    second = KafkaConsumer(bootstrap_servers=BOOTSTRAP, group_id="kp-resume", enable_auto_commit=False, consumer_timeout_ms=3000)
    second.assign([partition])
    equal("committed says so", second.committed(partition), 10)
    equal("resumes at the commit", next(iter(second)).offset, 10)
    second.close()


def times():
    producer = KafkaProducer(bootstrap_servers=BOOTSTRAP)
    for index in range(10):
        producer.send("kp-times", value=b"x", timestamp_ms=1_700_000_000_000 + index * 1000)
    producer.flush(10)
    producer.close()
    partition = TopicPartition("kp-times", 0)
    reader = KafkaConsumer(bootstrap_servers=BOOTSTRAP, group_id=None)
    equal("offsets for times", reader.offsets_for_times({partition: 1_700_000_004_500})[partition].offset, 5)
    equal("beginning", reader.beginning_offsets([partition])[partition], 0)
    equal("end", reader.end_offsets([partition])[partition], 10)
    equal("topics", "kp-times" in reader.topics(), True)
    reader.close()


def administration():
    admin = KafkaAdminClient(bootstrap_servers=BOOTSTRAP)
    admin.create_topics([NewTopic("kp-admin", 3, 1)])
    check("created", wait_until(lambda: "kp-admin" in admin.list_topics()), "")
    described = admin.describe_topics(["kp-admin"])
    equal("described", len(described[0]["partitions"]), 3)
    admin.delete_topics(["kp-admin"])
    check("deleted", wait_until(lambda: "kp-admin" not in admin.list_topics()), "")
    admin.close()


for part in [codecs, group, commit_and_resume, times, administration]:
    with checking(part.__name__):
        part()
done()
