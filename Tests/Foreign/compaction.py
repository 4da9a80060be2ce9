# time: 240
"""A compacted topic under confluent-kafka: updates of ten thousand keys, some of them deleted, while another reads all along; in the end
each key has its last value, deleted ones are gone after their time, and what is on disk is little. KASTELLAN_UPDATES=1000000 for more."""

import os
import random
import threading
import time

from confluent_kafka import OFFSET_BEGINNING, Consumer, Producer, TopicPartition
from confluent_kafka.admin import AdminClient, AlterConfigOpType, ConfigEntry, ConfigResource, NewTopic, ResourceType

from harness import BOOTSTRAP, DATA, check, checking, done, equal, wait_until

UPDATES = int(os.environ.get("KASTELLAN_UPDATES", "100000"))
KEYS = 10_000
TOPIC = "compacted"
DIRECTORY = os.path.join(DATA, "broker-1", f"{TOPIC}-0")

admin = AdminClient({"bootstrap.servers": BOOTSTRAP})


def configure(kind, name, settings):
    entries = [ConfigEntry(key, value, incremental_operation=AlterConfigOpType.SET) for key, value in settings.items()]
    for future in admin.incremental_alter_configs([ConfigResource(kind, name, incremental_configs=entries)]).values():
        future.result(15)


class Reader(threading.Thread):
    """Reads from the beginning to the end and stays there. What it was given of a key never goes back."""

    def __init__(self):
        super().__init__(daemon=True)
        self.latest, self.count, self.problems, self.ended, self.position = {}, 0, [], False, -1

    def run(self):
        consumer = Consumer({"bootstrap.servers": BOOTSTRAP, "group.id": "reader", "enable.auto.commit": False})
        consumer.assign([TopicPartition(TOPIC, 0, OFFSET_BEGINNING)])
        while not self.ended:
            for message in consumer.consume(1000, 0.2):
                if message.error():
                    self.problems.append(str(message.error()))
                    continue
                if message.offset() <= self.position:
                    self.problems.append(f"offset {message.offset()} after {self.position}")
                self.position = message.offset()
                self.latest[message.key()] = message.value()
                self.count += 1
        consumer.close()


def read_all(end):
    """All records of the topic from the beginning, in order."""
    consumer = Consumer({"bootstrap.servers": BOOTSTRAP, "group.id": "all", "enable.auto.commit": False, "enable.partition.eof": True})
    consumer.assign([TopicPartition(TOPIC, 0, OFFSET_BEGINNING)])
    found, limit, ended = [], time.monotonic() + 60, False
    while not ended and time.monotonic() < limit:
        for message in consumer.consume(1000, 0.5):
            if message.error():
                ended = True
            else:
                found.append((message.offset(), message.key(), message.value()))
    consumer.close()
    return found


def bytes_on_disk():
    return sum(os.path.getsize(os.path.join(DIRECTORY, name)) for name in os.listdir(DIRECTORY) if name.endswith(".log"))


def dirty_from():
    """Up to where the log is compacted, by the checkpoint."""
    try:
        with open(os.path.join(DATA, "broker-1", "cleaner-offset-checkpoint"), encoding="ascii") as file:
            return {line.rsplit(" ", 2)[0]: int(line.split(" ")[2]) for line in file.read().split("\n")[2:-1]}.get(TOPIC, 0)
    except FileNotFoundError:
        return 0


def main():
    configure(ResourceType.BROKER, "1", {"log.cleaner.backoff.ms": "100"})
    settings = {
        "cleanup.policy": "compact", "segment.bytes": str(1 << 20), "min.cleanable.dirty.ratio": "0.1", "delete.retention.ms": "1000",
        "file.delete.delay.ms": "200"}
    admin.create_topics([NewTopic(TOPIC, 1, 1, config=settings)])[TOPIC].result(15)

    reader = Reader()
    reader.start()
    chance, expected, written, failures = random.Random(4), {}, 0, []
    producer = Producer({
        "bootstrap.servers": BOOTSTRAP, "linger.ms": 5, "enable.idempotence": True, "compression.type": "lz4", "batch.num.messages": 500})
    started = time.monotonic()

    def report(error, _):
        if error:
            failures.append(error)

    def put(key, value):
        nonlocal written
        while True:
            try:
                producer.produce(TOPIC, value, key, on_delivery=report)
                break
            except BufferError:
                producer.poll(0.1)
        if written % 100 == 0:
            producer.poll(0)
        written += 1
        expected[key] = value

    for number in range(UPDATES):
        key = b"key-%d" % chance.randrange(KEYS)
        put(key, None if chance.random() < 0.05 else b"%d " % number + b"%016x" % chance.getrandbits(64) * 4)
    producer.flush(60)
    seconds = time.monotonic() - started
    equal("every update is acknowledged", (len(failures), written), (0, UPDATES))
    print(f"{UPDATES} updates in {seconds:.1f} s", flush=True)

    # The last records have to be below an active segment, and tombstones are judged when something new is there: fill up twice.
    def fill(name):
        for number in range(3000):
            put(b"%s-%d" % (name, number % 10), os.urandom(500))
        producer.flush(30)

    end = written
    fill(b"filler")
    check("compaction has passed the last update", wait_until(lambda: dirty_from() >= end, 40), dirty_from())
    check("the reader was given all of it", wait_until(lambda: reader.position == written - 1, 30), (reader.position, written))
    equal("what it read last of each key is the last value", {k: v for k, v in reader.latest.items() if v} == {
        k: v for k, v in expected.items() if v}, True)

    records = read_all(written)
    latest = {}
    for _, key, value in records:
        latest[key] = value
    equal("each key's last value is read back", {k: v for k, v in latest.items() if v}, {k: v for k, v in expected.items() if v})
    check("no key that was deleted has come back", all(expected[key] is None for key, value in latest.items() if value is None))
    live = sum(1 for value in expected.values() if value)
    below = [key for offset, key, _ in records if offset < dirty_from()]
    check("below the compacted point each key stands once", len(below) == len(set(below)), (len(below), len(set(below))))

    # A tombstone gets its horizon with the pass that sees it first, and goes with a pass after that.
    time.sleep(1.2)
    fill(b"filler")
    fill(b"filler")

    def tombstones():
        return sum(1 for offset, _, value in read_all(written) if value is None and offset < end)

    check("tombstones are gone after their time", wait_until(lambda: tombstones() == 0, 30, 0.5), tombstones())
    check("and nothing else", wait_until(lambda: dirty_from() >= end, 5))
    final = {}
    for _, key, value in read_all(written):
        final[key] = value
    equal("every key is as before", {k: v for k, v in final.items() if v}, {k: v for k, v in expected.items() if v})
    check("deleted keys are no longer there", not [k for k, v in final.items() if v is None])
    small = wait_until(lambda: bytes_on_disk() < 400 * live + (6 << 20), 20)
    check("little is left on disk", small, f"{bytes_on_disk()} bytes of {live} keys")
    equal("nobody was given an error", reader.problems[:3], [])
    reader.ended = True
    reader.join(10)

    # A record without a key has no place there.
    refused = []
    producer.produce(TOPIC, b"no key", on_delivery=lambda error, _: refused.append(error))
    producer.flush(20)
    check("a record without a key is refused", refused and refused[0] and refused[0].name() == "INVALID_RECORD", refused)


def offsets():
    """The topic of group offsets compacts too: many commits of one partition, each with a long word, end as little."""
    settings = {"segment.bytes": str(1 << 20), "min.cleanable.dirty.ratio": "0.1", "file.delete.delay.ms": "200"}
    consumer = Consumer({"bootstrap.servers": BOOTSTRAP, "group.id": "writer", "enable.auto.commit": False})
    consumer.commit(offsets=[TopicPartition(TOPIC, 0, 1)], asynchronous=False)
    configure(ResourceType.TOPIC, "__consumer_offsets", settings)
    for number in range(2, 1000):
        consumer.commit(offsets=[TopicPartition(TOPIC, 0, number, metadata="%04d" % number * 900)], asynchronous=False)
    root = os.path.join(DATA, "broker-1")

    def size():
        places = [os.path.join(root, name) for name in os.listdir(root) if name.startswith("__consumer_offsets-")]
        return max(sum(os.path.getsize(os.path.join(at, f)) for f in os.listdir(at) if f.endswith(".log")) for at in places)

    check("the topic of offsets is compacted", wait_until(lambda: size() < 2 << 20, 20), size())
    found = consumer.committed([TopicPartition(TOPIC, 0)], timeout=10)[0]
    equal("and tells the last commit", (found.offset, found.metadata), (999, "0999" * 900))
    consumer.close()


with checking("compaction"):
    main()
with checking("the topic of offsets"):
    offsets()
done()
