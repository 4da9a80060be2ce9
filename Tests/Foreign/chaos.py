#!/usr/bin/env python3
# time: 420
# broker: none
"""Broker processes are killed, paused, stopped and cut off at random instants while librdkafka's idempotent producers and a group of its
consumers go on; then every acknowledged record must be there, once, where it was acknowledged, and in order per key.

    chaos.py [--kills 6] [--seed N] [--brokers 3] [--cuts auto|yes|no]

The seed decides what happens and about when; the instants are the machine's. Run by run.py it makes few kills, by `make chaos` many.
"""

import argparse
import glob
import os
import random
import re
import statistics
import subprocess
import sys
import threading
import time

import cluster as clusters
from harness import PROGRAM, TMP, check, done
from confluent_kafka import Consumer, KafkaError, KafkaException, Producer, TopicPartition
from confluent_kafka.admin import AdminClient, NewTopic

TOPIC = "chaos"
PARTITIONS = 6
GROUP = "chaos-group"
PRODUCERS = 3
KEYS = 8
PER_SECOND = 120  # records of each producer


class Writer(threading.Thread):
    """One idempotent producer with keys of its own. Values count up per key."""

    def __init__(self, number, bootstrap):
        super().__init__(daemon=True)
        self.number = number
        self.acknowledged = {}  # (key, count) -> (partition, offset)
        self.failed = {}  # (key, count) -> why
        self.acks = {partition: [] for partition in range(PARTITIONS)}  # instants
        self.fatal = []
        self.sent = 0
        self.stopping = threading.Event()
        self.left = 0
        self.producer = Producer({
            "bootstrap.servers": bootstrap, "client.id": f"writer-{number}", "enable.idempotence": True, "acks": "all",
            "message.timeout.ms": 300000, "linger.ms": 5, "error_cb": self.on_error, "compression.type": ["none", "lz4", "zstd"][number % 3],
            "topic.metadata.refresh.interval.ms": 5000, "reconnect.backoff.max.ms": 1000, "log_level": 0,
        })

    def on_error(self, error):
        if error.fatal():
            self.fatal.append(str(error))

    def told(self, key, count):
        def report(error, message):
            if error is not None:
                self.failed[(key, count)] = str(error)
            else:
                self.acknowledged[(key, count)] = (message.partition(), message.offset())
                self.acks[message.partition()].append(time.monotonic())
        return report

    def run(self):
        counts = [0] * KEYS
        due = time.monotonic()
        while not self.stopping.is_set():
            index = self.sent % KEYS
            key = f"w{self.number}-{index}"
            padding = "x" * ((self.sent * 37) % 400)
            try:
                self.producer.produce(
                    TOPIC, key=key, value=f"{counts[index]} {padding}", on_delivery=self.told(key, counts[index]))
                counts[index] += 1
                self.sent += 1
            except BufferError:
                pass  # nothing is acknowledged now, and the queue is full
            self.producer.poll(0)
            due = max(due + 1 / PER_SECOND, time.monotonic() - 1)
            self.stopping.wait(max(0, due - time.monotonic()))
        self.left = self.producer.flush(120)

    def finish(self):
        self.stopping.set()
        self.join(150)


class Reader(threading.Thread):
    """A member of the group: reads, remembers what stood where, commits."""

    def __init__(self, number, bootstrap, strategy, seen, problems):
        super().__init__(daemon=True)
        self.seen, self.problems = seen, problems
        self.stopping = threading.Event()
        self.consumer = Consumer({
            "bootstrap.servers": bootstrap, "group.id": GROUP, "client.id": f"reader-{number}", "auto.offset.reset": "earliest",
            "enable.auto.commit": False, "partition.assignment.strategy": strategy, "session.timeout.ms": 10000,
            "heartbeat.interval.ms": 500, "topic.metadata.refresh.interval.ms": 5000, "reconnect.backoff.max.ms": 1000, "log_level": 0,
        })

    def run(self):
        self.consumer.subscribe([TOPIC])
        committed = time.monotonic()
        unsaved = False
        while not self.stopping.is_set():
            message = self.consumer.poll(0.2)
            if message is not None and message.error() is None:
                self.note(message)
                unsaved = True
            if unsaved and time.monotonic() - committed > 0.5:
                committed, unsaved = time.monotonic(), False
                try:
                    self.consumer.commit(asynchronous=False)
                except KafkaException:
                    unsaved = True  # a rebalance or a failover is under way; what was read is read again by whoever gets it
        self.consumer.close()

    def note(self, message):
        place = (message.partition(), message.offset())
        record = (message.key().decode(), int(message.value().split(b" ", 1)[0]))
        if self.seen.setdefault(place, record) != record:
            self.problems.append(f"{place} was {self.seen[place]} and is {record}")

    def finish(self):
        self.stopping.set()
        self.join(30)


class Auditor(threading.Thread):
    """Asks again and again what the group has committed: it must never go back."""

    def __init__(self, bootstrap):
        super().__init__(daemon=True)
        self.consumer = Consumer({"bootstrap.servers": bootstrap, "group.id": GROUP, "enable.auto.commit": False, "log_level": 0})
        self.stopping = threading.Event()
        self.offsets = {}
        self.problems = []

    def look(self, seconds=5):
        try:
            found = self.consumer.committed([TopicPartition(TOPIC, partition) for partition in range(PARTITIONS)], timeout=seconds)
        except KafkaException:
            return False
        for entry in found:
            if entry.error is None and entry.offset >= 0:
                if entry.offset < self.offsets.get(entry.partition, 0):
                    self.problems.append((entry.partition, self.offsets[entry.partition], entry.offset))
                self.offsets[entry.partition] = entry.offset
        return True

    def run(self):
        while not self.stopping.wait(0.5):
            self.look()

    def finish(self):
        self.stopping.set()
        self.join(15)


class Chaos:
    """What happens to the brokers, from a seed."""

    def __init__(self, cluster, random_source, writers, kills):
        self.cluster, self.random, self.writers, self.wanted = cluster, random_source, writers, kills
        self.kills = 0
        self.counts = {}
        self.outages = []
        self.stuck = []
        self.lone = []  # instants of kills of a single broker, for the figure

    def run(self, limit):
        actions = [("kill", 8), ("pause", 3), ("stop", 1), ("kill two", 1), ("kill all", 1), ("kill again", 1)]
        if len(self.cluster.nodes) < 3:
            actions = [("kill", 6), ("pause", 2), ("stop", 1), ("kill again", 2)]
        if self.cluster.has_networks:
            actions += [("cut off", 2), ("cut one way", 1)]
        names, weights = [name for name, _ in actions], [weight for _, weight in actions]
        end = time.monotonic() + limit
        # Each once where there is room, then as the dice fall.
        first = [name for name in ("kill", "pause", "cut off", "kill all") if name in names] if self.wanted >= 4 else []
        while self.kills < self.wanted and time.monotonic() < end:
            name = first.pop(0) if first else self.random.choices(names, weights)[0]
            self.counts[name] = self.counts.get(name, 0) + 1
            began = time.monotonic()
            self.act(name)
            acted = time.monotonic()
            if not self.wait_for_progress(30):
                self.stuck.append(f"nothing was acknowledged for 30 s after {name}")
                break
            if os.environ.get("VERBOSE"):
                print(f"# {name}: {acted - began:.1f} s, then {time.monotonic() - acted:.1f} s to acknowledgements everywhere", flush=True)
            if self.random.random() < 0.7:
                self.wait_for_all(20)
            time.sleep(self.random.uniform(0.05, 1.2))

    def act(self, name):
        nodes = list(self.cluster.nodes)
        self.random.shuffle(nodes)
        victim, other = nodes[0], nodes[-1]
        if name == "kill":
            self.lone.append(time.monotonic())
            self.kill([victim])
            time.sleep(self.random.choice([0, 0.3, 1.5, 3]))
            self.start([victim])
        elif name == "kill again":
            self.kill([victim])
            self.start([victim], wait=False)
            time.sleep(self.random.uniform(0, 0.4))
            self.kill([victim])
            self.start([victim])
        elif name in ("kill two", "kill all"):
            several = nodes[:2] if name == "kill two" else nodes
            self.kill(several)
            time.sleep(self.random.uniform(0, 1))
            self.start(several)
        elif name == "stop":
            if victim.stop() != 0:
                self.stuck.append(f"broker {victim.id} did not stop cleanly")
            self.start([victim])
        elif name == "pause":
            victim.pause()
            time.sleep(self.random.choice([0.2, 1, 3, 6]))
            victim.resume()
        elif name == "cut off":
            victim.cut_off()
            time.sleep(self.random.choice([0.5, 2, 5]))
            victim.heal()
        elif name == "cut one way":
            victim.cut_from(other)
            time.sleep(self.random.choice([0.5, 2, 5]))
            victim.heal()

    def kill(self, nodes):
        for node in nodes:
            node.kill()
            self.kills += 1

    def start(self, nodes, wait=True):
        for node in nodes:
            node.start()
        for node in nodes:
            if wait and not node.wait_ready(30):
                self.stuck.append(f"broker {node.id} was not ready 30 s after its start: {node.tail(300)}")

    def acks(self):
        return [sum(len(writer.acks[partition]) for writer in self.writers) for partition in range(PARTITIONS)]

    def wait_for_progress(self, seconds):
        """Every partition acknowledges something."""
        before = self.acks()
        end = time.monotonic() + seconds
        while time.monotonic() < end:
            if all(now > then for now, then in zip(self.acks(), before)):
                return True
            time.sleep(0.05)
        return False

    def wait_for_all(self, seconds):
        """All replicas in sync; whether they were within the time."""
        admin = AdminClient({"bootstrap.servers": self.cluster.bootstrap, "log_level": 0})
        wanted = min(3, len(self.cluster.nodes))
        end = time.monotonic() + seconds
        while time.monotonic() < end:
            try:
                found = clusters.leaders(admin, TOPIC, 5)
                if len(found) == PARTITIONS and all(leader > 0 and len(isr) == wanted for leader, isr in found.values()):
                    return True
            except (KafkaException, KeyError):
                pass
            time.sleep(0.1)
        return False

    def pauses(self):
        """For each kill of one broker: until every partition had acknowledged something again, in seconds."""
        found = []
        for instant in self.lone:
            firsts = []
            for partition in range(PARTITIONS):
                later = [ack for writer in self.writers for ack in writer.acks[partition] if ack > instant]
                firsts.append(min(later, default=instant + 999) - instant)
            found.append(max(firsts))
        return sorted(found)


def read_all(bootstrap):
    """Everything in the topic, from the beginning to the high watermarks: [(partition, offset, key, count)]."""
    consumer = Consumer({
        "bootstrap.servers": bootstrap, "group.id": "chaos-check", "enable.auto.commit": False, "auto.offset.reset": "earliest",
        "enable.partition.eof": True, "check.crcs": True, "log_level": 0,
    })
    consumer.assign([TopicPartition(TOPIC, partition, 0) for partition in range(PARTITIONS)])
    found, ended = [], set()
    end = time.monotonic() + 120
    while len(ended) < PARTITIONS and time.monotonic() < end:
        for message in consumer.consume(1000, 1.0):
            if message.error() is None:
                count = int(message.value().split(b" ", 1)[0])
                found.append((message.partition(), message.offset(), message.key().decode(), count))
            elif message.error().code() == KafkaError._PARTITION_EOF:
                ended.add(message.partition())
    consumer.close()
    return found, len(ended) == PARTITIONS


def lost_commits(cluster, steps_back):
    """Of the times the group's offset was seen to go back, those that its log does not explain. librdkafka sends a commit again whose answer
    it did not get, also after newer ones (seen on the wire between it and the brokers), and the protocol does not number them: then both stand in the log, the newer offset first. A commit
    that a failover forgot would not be there."""
    if not steps_back:
        return []
    print(f"# commits that arrived again after newer ones: {len(steps_back)}")
    commits = {partition: [] for partition in range(PARTITIONS)}
    for path in sorted(glob.glob(os.path.join(cluster.nodes[0].directory, "__consumer_offsets-*", "*.log"))):
        if os.path.getsize(path) == 0:
            continue
        text = subprocess.run([PROGRAM, "dump-log", "--offsets-decoder", "--files", path], capture_output=True, text=True).stdout
        pattern = rf'"group":"{GROUP}","topic":"{TOPIC}","partition":(\d+)}}}} payload: {{"version":"3","data":{{"offset":(\d+),'
        for partition, offset in re.findall(pattern, text):
            commits[int(partition)].append(int(offset))
    def is_explained(partition, before, after):
        found = commits[partition]
        return before in found and after in found[found.index(before):]
    return [step for step in steps_back if not is_explained(*step)]


def some(items):
    items = list(items)
    return f"{len(items)}: {items[:5]}"


def verify(name, records, writers, seen):
    acknowledged = {record: place for writer in writers for record, place in writer.acknowledged.items()}
    where = {}
    for partition, offset, key, count in records:
        where.setdefault((key, count), []).append((partition, offset))
    lost = [record for record in acknowledged if record not in where]
    check(f"{name}: nothing acknowledged is lost", not lost, some(lost))
    moved = [(record, place, where[record]) for record, place in acknowledged.items()
             if record in where and place[1] >= 0 and place not in where[record]]
    check(f"{name}: each is where it was acknowledged", not moved, some(moved))
    twice = [(record, places) for record, places in where.items() if len(places) > 1]
    check(f"{name}: nothing is there twice", not twice, some(twice))
    last, disorder = {}, []
    for partition, offset, key, count in sorted(records):
        if count <= last.get(key, -1):
            disorder.append((key, last[key], count, partition, offset))
        last[key] = count
    check(f"{name}: in order per key", not disorder, some(disorder))
    at = {(partition, offset): (key, count) for partition, offset, key, count in records}
    changed = [(place, record, at.get(place)) for place, record in seen.items() if at.get(place) != record]
    check(f"{name}: what the group read stands there still", not changed, some(changed))


def same_logs(cluster):
    """After a clean stop the replicas' logs are the same, byte by byte."""
    differing = []
    for partition in range(PARTITIONS):
        logs = set()
        for node in cluster.nodes:
            directory = os.path.join(node.directory, f"{TOPIC}-{partition}")
            if not os.path.isdir(directory):
                continue
            content = b""
            for name in sorted(os.listdir(directory)):
                if name.endswith(".log"):
                    with open(os.path.join(directory, name), "rb") as file:
                        content += file.read()
            logs.add(content)
        if len(logs) != 1:
            differing.append((partition, sorted(len(log) for log in logs)))
    return differing


def run(arguments, cluster):
    source = random.Random(arguments.seed)
    bootstrap = cluster.bootstrap
    admin = AdminClient({"bootstrap.servers": bootstrap, "log_level": 0})
    replicas = min(3, len(cluster.nodes))
    made = admin.create_topics([NewTopic(TOPIC, PARTITIONS, replicas, config={"segment.bytes": str(1 << 20)})])
    made[TOPIC].result(20)
    writers = [Writer(number, bootstrap) for number in range(PRODUCERS)]
    seen, problems = {}, []
    strategy = source.choice(["range", "cooperative-sticky", "roundrobin"])
    readers = [Reader(number, bootstrap, strategy, seen, problems) for number in range(2)]
    auditor = Auditor(bootstrap)
    for thread in [*writers, *readers, auditor]:
        thread.start()
    chaos = Chaos(cluster, source, writers, arguments.kills)
    check("the load runs", chaos.wait_for_progress(30))
    chaos.run(arguments.limit)
    check(f"{arguments.kills} kills were survived", chaos.kills >= arguments.kills and not chaos.stuck, f"{chaos.kills}; {chaos.stuck}")
    for node in cluster.nodes:
        node.resume()
        node.heal()
        if not node.is_running:
            node.start()
    check("all replicas are in sync again", chaos.wait_for_all(60))
    for writer in writers:
        writer.finish()
    check("no producer gave up", not any(w.failed or w.fatal or w.left for w in writers),
          [(len(w.failed), list(w.failed.items())[:2], w.fatal[:2], w.left) for w in writers])
    records, whole = read_all(bootstrap)
    check("the topic is read to its end", whole)
    ends = {}
    for partition, offset, _, _ in records:
        ends[partition] = max(ends.get(partition, 0), offset + 1)
    caught_up = lambda: auditor.look() and all(auditor.offsets.get(p, 0) >= end for p, end in ends.items())  # noqa: E731
    auditor.finish()
    until = time.monotonic() + 60
    while not caught_up() and time.monotonic() < until:
        time.sleep(0.2)
    check("the group has committed all of it", caught_up(), f"{auditor.offsets} of {ends}")
    for reader in readers:
        reader.finish()
    check("no offset ever had two records", not problems, some(problems))
    missed = {(p, o) for p, o, _, _ in records} - set(seen)
    check("the group has read everything", not missed, some(missed))
    verify("at the end", records, writers, seen)
    check("no broker ended by itself", not cluster.crashes(), cluster.crashes()[:2])
    codes = {node.id: node.stop() for node in cluster.nodes}
    check("all stop cleanly", all(code == 0 for code in codes.values()), codes)
    check("the replicas' logs are the same", not same_logs(cluster), same_logs(cluster))
    lost = lost_commits(cluster, auditor.problems)
    check("no commit of the group was forgotten", not lost, some(lost))
    cluster.start()
    again, whole = read_all(bootstrap)
    check("after a restart of all it reads the same", whole and sorted(again) == sorted(records), f"{len(again)} of {len(records)}")
    report(chaos, writers, records, strategy)


def report(chaos, writers, records, strategy):
    happened = ", ".join(f"{count} × {name}" for name, count in sorted(chaos.counts.items()))
    pauses = chaos.pauses()
    print(f"# {chaos.kills} brokers killed ({happened}); assignor {strategy}; "
          f"{sum(len(w.acknowledged) for w in writers)} records acknowledged, {len(records)} read")
    if pauses:
        print(f"# from a kill to an acknowledgement in every partition: median {statistics.median(pauses):.2f} s, "
              f"longest {pauses[-1]:.2f} s", flush=True)


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--kills", type=int, default=int(os.environ.get("KILLS") or 6))
    parser.add_argument("--seed", type=int, default=int(os.environ.get("SEED") or time.time_ns() % 1_000_000))
    parser.add_argument("--brokers", type=int, default=3)
    parser.add_argument("--cuts", choices=["auto", "yes", "no"], default="auto")
    parser.add_argument("--limit", type=float, default=None, help="seconds after which no new fault begins")
    arguments, _ = parser.parse_known_args()
    if arguments.limit is None:
        arguments.limit = 60 + 20 * arguments.kills
    cuts = arguments.cuts == "yes" or arguments.cuts == "auto" and arguments.brokers > 2 and clusters.can_make_namespaces()
    if cuts:
        clusters.inside_namespace()
    print(f"# seed {arguments.seed}, {arguments.kills} kills, {arguments.brokers} brokers, "
          f"{'with' if cuts else 'without'} cuts of the network", flush=True)
    with clusters.Cluster(arguments.brokers, networks=cuts, directory=os.path.join(TMP, f"chaos-{arguments.seed}")) as cluster:
        run(arguments, cluster)
    done()


if __name__ == "__main__":
    sys.exit(main())
