#!/usr/bin/env python3
# broker: none
# time: 240
"""Our own client library on three brokers that are killed and started again, one after the other, under load: idempotent producers with one and
with five requests under way, in every codec; groups of both protocols whose members come and go; a transactional pipe from topic to topic.
Nothing that was acknowledged is lost or doubled, each partition keeps its order, and what is read in the end is what is there."""

import collections
import os
import threading
import time

import harness
from cluster import Cluster
from confluent_kafka import Consumer, TopicPartition
from harness import check, checking, done, equal, wait_until
from library import LibraryAdmin, LibraryConsumer, LibraryProducer

SETTINGS = {
    "group.min.session.timeout.ms": "1000", "default.replication.factor": "3", "min.insync.replicas": "2", "offsets.topic.replication.factor": "3",
    "transaction.state.log.replication.factor": "3",
    "group.consumer.min.session.timeout.ms": "1000", "group.consumer.session.timeout.ms": "4000",
    "group.consumer.min.heartbeat.interval.ms": "100", "group.consumer.heartbeat.interval.ms": "300",
}
PARTITIONS = 6
QUICK = {"metadata.max.age.ms": 2000, "request.timeout.ms": 10000}


def content(bootstrap, topic):
    """{partition: [(offset, value)]} of what is committed, as confluent-kafka reads it."""
    reader = Consumer({"bootstrap.servers": bootstrap, "group.id": "look", "enable.auto.commit": False, "isolation.level": "read_committed",
                       "enable.partition.eof": True})
    reader.assign([TopicPartition(topic, p, 0) for p in range(PARTITIONS)])
    found, ended, end = collections.defaultdict(list), set(), time.monotonic() + 30
    while len(ended) < PARTITIONS and time.monotonic() < end:
        for message in reader.consume(1000, 0.5):
            if message.error() is None:
                found[message.partition()].append((message.offset(), message.value().decode()))
            elif message.error().name() == "_PARTITION_EOF":
                ended.add(message.partition())
    reader.close()
    check(f"all of {topic} is read", len(ended) == PARTITIONS, ended)
    return found


class Writer(threading.Thread):
    """Writes numbered records until it is told to stop, and keeps what it was told of each."""

    def __init__(self, bootstrap, topic, name, **settings):
        super().__init__(daemon=True)
        self.topic, self.name, self.sent, self.outcomes, self.over = topic, name, 0, [], threading.Event()
        self.producer = LibraryProducer(**{
            "bootstrap.servers": bootstrap, **QUICK, "linger.ms": 5, "delivery.timeout.ms": 60000, **settings})

    def run(self):
        while not self.over.is_set():
            part = [(n % PARTITIONS, None, f"{self.name}-{n}", None, ()) for n in range(self.sent, self.sent + 60)]
            self.producer.write(self.topic, part)
            self.sent += len(part)
            time.sleep(0.02)
        self.outcomes = self.producer.outcomes()
        self.producer.close()

    def judge(self, found):
        acknowledged = {(int(o[1]), int(o[2])): f"{self.name}-{n}" for n, o in enumerate(self.outcomes) if o[0] == "ok"}
        equal(f"{self.name}: every record is acknowledged", len(acknowledged), self.sent)
        there = {(p, o): v for p, records in found.items() for o, v in records}
        wrong = [(place, value) for place, value in acknowledged.items() if there.get(place) != value]
        check(f"{self.name}: each where it was said to be, of {self.sent}", not wrong, wrong[:3])
        for partition, records in found.items():
            mine = [int(v.rsplit("-", 1)[1]) for _, v in records if v.rsplit("-", 1)[0] == self.name]
            if mine != sorted(set(mine)):
                check(f"{self.name}: once and in order in partition {partition}", False, mine[:20])
                return
        check(f"{self.name}: once and in order", True)


class Reader(threading.Thread):
    def __init__(self, bootstrap, topic, group, **settings):
        super().__init__(daemon=True)
        self.read, self.over, self.failures, self.crash = set(), threading.Event(), [], threading.Event()
        self.consumer = LibraryConsumer(**{
            "bootstrap.servers": bootstrap, **QUICK, "group.id": group, "auto.offset.reset": "earliest", "auto.commit.interval.ms": 300, **settings})
        self.consumer.ask("subscribe", topic)

    def run(self):
        try:
            while not self.over.is_set():
                self.read.update((r[1], r[2]) for r in self.consumer.poll(200))
                if self.crash.is_set():
                    self.consumer.end()
                    return
            self.consumer.close()
        except Exception as error:  # noqa: BLE001 - told in the end
            self.failures.append(f"{type(error).__name__} {error}")


class Pipe(threading.Thread):
    """From one topic to another in transactions: what was read, written and committed is one."""

    def __init__(self, bootstrap, source, target, group):
        super().__init__(daemon=True)
        self.source, self.target, self.over, self.aborted, self.failures = source, target, threading.Event(), 0, []
        self.consumer = LibraryConsumer(**{
            "bootstrap.servers": bootstrap, **QUICK, "group.id": group, "auto.offset.reset": "earliest", "enable.auto.commit": "false",
            "isolation.level": "read_committed", "group.protocol": "consumer", "max.poll.records": 200})
        self.producer = LibraryProducer(**{"bootstrap.servers": bootstrap, **QUICK, "transactional.id": f"{group}-pipe", "linger.ms": 0})

    def run(self):
        try:
            self.producer.ask("init")
            self.consumer.ask("subscribe", self.source)
            quiet = 0
            while not self.over.is_set() or quiet < 5:
                records = self.consumer.poll(200)
                quiet = 0 if records else quiet + 1
                if records:
                    self.transfer(records)
            self.consumer.close()
            self.producer.close()
        except Exception as error:  # noqa: BLE001 - told in the end
            self.failures.append(f"{type(error).__name__} {error}")

    def transfer(self, records):
        ends = {}
        for record in records:
            ends[record[1]] = record[2] + 1
        try:
            self.producer.ask("begin")
            self.producer.write(self.target, [(r[1], r[4], r[5], None, ()) for r in records])
            self.producer.ask("offsets", *self.consumer.ask("metadata")[0], self.source, *[w for pair in ends.items() for w in pair])
            self.producer.ask("commit")
        except Exception as error:  # noqa: BLE001 - aborted and read again, unless it is fatal
            if getattr(error, "flags", "fatal") == "fatal":
                raise
            self.aborted += 1
            self.producer.ask("abort")
            self.producer.outcomes()
            self.consumer.ask("seek", self.source, 0, "committed")


def under_fire(cluster):
    admin = LibraryAdmin(**{"bootstrap.servers": cluster.bootstrap})
    for topic in ("load", "pipe"):
        admin.ask("createTopics", topic, PARTITIONS, 3)
    admin.close()
    writers = [
        Writer(cluster.bootstrap, "load", "five", **{"max.in.flight.requests.per.connection": 5}),
        Writer(cluster.bootstrap, "load", "one", **{"max.in.flight.requests.per.connection": 1, "compression.type": "zstd"}),
        Writer(cluster.bootstrap, "load", "small", **{"batch.size": 300, "compression.type": "lz4"}),
    ]
    groups = {
        "range": {}, "cooperative": {"partition.assignment.strategy": "cooperative-sticky"}, "sticky": {"partition.assignment.strategy": "sticky"},
        "newer": {"group.protocol": "consumer"},
    }
    classic = {"session.timeout.ms": 4000, "heartbeat.interval.ms": 300}
    settings = {name: {**more, **({} if "group.protocol" in more else classic)} for name, more in groups.items()}
    readers = {name: [Reader(cluster.bootstrap, "load", name, **more) for _ in range(2)] for name, more in settings.items()}
    pipe = Pipe(cluster.bootstrap, "load", "pipe", "pipe")
    for thread in [*writers, *sum(readers.values(), []), pipe]:
        thread.start()
    check("the load begins", wait_until(lambda: all(w.sent > 300 for w in writers), 20))
    for index in (1, 2, 3):
        node = cluster.node(index)
        node.kill()
        for members in readers.values():
            # One member dies with the broker, and another comes.
            members[index % 2].crash.set()
        time.sleep(1.5)  # How long the broker is away.
        node.start()
        node.wait_ready()
        for name, more in settings.items():
            readers[name].append(Reader(cluster.bootstrap, "load", name, **more))
            readers[name][-1].start()
        at = [w.sent for w in writers]
        check(f"the load goes on after broker {index} was killed", wait_until(lambda: all(w.sent > n + 200 for w, n in zip(writers, at)), 20))
    for writer in writers:
        writer.over.set()
    for writer in writers:
        writer.join(90)
    found = content(cluster.bootstrap, "load")
    for writer in writers:
        writer.judge(found)
    equal("nothing else is there", sum(map(len, found.values())), sum(w.sent for w in writers))
    there = {(p, o) for p, records in found.items() for o, _ in records}
    for name, members in readers.items():
        seen = wait_until(lambda members=members: set.union(*(m.read for m in members)) >= there, 40)
        missing = there - set.union(*(m.read for m in members))
        check(f"group {name}: every record was read", seen, sorted(missing)[:5])
    pipe.over.set()
    for members in readers.values():
        for member in members:
            member.over.set()
            member.join(20)
    failures = [failure for members in readers.values() for member in members for failure in member.failures]
    check("no member has a failure", not failures, failures)
    pipe.join(60)
    check("the pipe has no failure", not pipe.failures, pipe.failures)
    print(f"# {sum(w.sent for w in writers)} records, {pipe.aborted} transactions aborted", flush=True)
    moved = content(cluster.bootstrap, "pipe")
    for partition in range(PARTITIONS):
        before, after = [v for _, v in found[partition]], [v for _, v in moved[partition]]
        if before != after:
            check(f"the pipe: partition {partition} once and in order", False, (len(before), len(after), len(set(after))))
            break
    else:
        check("what went through transactions is there once, in order", True)


if __name__ == "__main__":
    with Cluster(3, SETTINGS, os.path.join(harness.TMP, "three")) as three:
        with checking("under fire"):
            under_fire(three)
        check("no broker ended by itself", not three.crashes(), three.crashes()[:2])
    done()
