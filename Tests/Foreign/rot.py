# time: 60
# broker: none
"""Bit rot in the files of running brokers: a flipped byte in a closed and in the active segment of a leader, and in a follower's. kcat and
confluent-kafka are given nothing wrong, and then everything; each time the files of the replicas end byte for byte equal.
"""

import hashlib
import os
import subprocess
import time

from confluent_kafka import Consumer, Producer
from confluent_kafka.admin import AdminClient, NewTopic

from cluster import Cluster, leaders
from harness import check, done, wait_until

TOPIC, RECORDS = "rot", 4000
SETTINGS = {"kastellan.scrub.interval.ms": 1000, "kastellan.scrub.bytes.per.second": 100_000_000}


def value(number):
    return f"{number:06d}-" + "x" * 500


def produce(bootstrap):
    producer = Producer({"bootstrap.servers": bootstrap, "acks": "all", "batch.num.messages": 20})
    for number in range(RECORDS):
        producer.produce(TOPIC, value(number), partition=0)
        if number % 500 == 499:
            producer.flush(20)
    return producer.flush(20)


def segments(node):
    folder = os.path.join(node.directory, f"{TOPIC}-0")
    return [os.path.join(folder, name) for name in sorted(os.listdir(folder)) if name.endswith(".log")]


def flip(path, position):
    with open(path, "r+b") as file:
        file.seek(position)
        byte = file.read(1)[0]
        file.seek(position)
        file.write(bytes([byte ^ 0x10]))


def same(cluster):
    """Whether the logs of all replicas are equal, byte for byte. (Each broker begins segments where it likes.)"""
    digests = []
    for node in cluster.nodes:
        digest = hashlib.sha256()
        for path in segments(node):
            with open(path, "rb") as file:
                digest.update(file.read())
        digests.append(digest.hexdigest())
    return len(set(digests)) == 1


def read_kcat(bootstrap):
    """All records by kcat, which checks checksums where it is told to; what it could not get yet it asks for again."""
    out = subprocess.run(
        ["kcat", "-b", bootstrap, "-C", "-t", TOPIC, "-p", "0", "-o", "beginning", "-c", str(RECORDS), "-q", "-f", "%s\n",
         "-X", "check.crcs=true"], capture_output=True, text=True, timeout=20)
    return out.stdout.split()


def read_confluent(bootstrap):
    """Everything up to the last record. librdkafka that meets a bad checksum in the middle of an answer, before the broker has noticed the
    rot, may lose its place there, ask for an offset that nobody has, and begin anew at the first: records may come twice, none wrong."""
    consumer = Consumer({"bootstrap.servers": bootstrap, "group.id": f"rot-{time.monotonic_ns()}", "auto.offset.reset": "earliest",
                         "check.crcs": True})
    consumer.subscribe([TOPIC])
    found, until = [], time.monotonic() + 20
    while (not found or found[-1] != value(RECORDS - 1)) and time.monotonic() < until:
        message = consumer.poll(0.5)
        if message is not None and not message.error():
            found.append(message.value().decode())
    consumer.close()
    return sorted(set(found))


def difference(got, wanted):
    """Where two lists of records part, for who looks at a failure."""
    at = next((index for index, pair in enumerate(zip(got, wanted)) if pair[0] != pair[1]), min(len(got), len(wanted)))
    return f"{len(got)} of {len(wanted)} records; from {at} on: {[record[:8] for record in got[at:at + 4]]}"


def main():
    wanted = [value(number) for number in range(RECORDS)]
    with Cluster(settings=SETTINGS) as cluster:
        admin = AdminClient({"bootstrap.servers": cluster.bootstrap})
        made = admin.create_topics([NewTopic(TOPIC, 1, 3, config={"segment.bytes": str(1 << 20)})])
        made[TOPIC].result(10)
        check("records are produced", produce(cluster.bootstrap) == 0)
        leader = cluster.node(leaders(admin, TOPIC)[0][0])
        follower = next(node for node in cluster.nodes if node is not leader)
        check("the replicas are equal", wait_until(lambda: same(cluster), 10))
        for name, node, index, position in [("a closed segment of the leader", leader, 0, 5000),
                                            ("a batch's header in the leader's file", leader, 0, 10),
                                            ("the active segment of the leader", leader, -1, 3000),
                                            ("a follower's closed segment", follower, 0, 70_000)]:
            flip(segments(node)[index], position)
            # kcat ends at the first error, be it one that passes.
            got = read_kcat(cluster.bootstrap)
            check(f"kcat is given nothing wrong: {name}", got == wanted[:len(got)], f"{len(got)} of {RECORDS} records")
            check(f"it is mended: {name}", wait_until(lambda: same(cluster), 10), node.tail())
            got = read_kcat(cluster.bootstrap)
            check(f"kcat reads everything: {name}", got == wanted, difference(got, wanted))
        flip(segments(leader)[0], 200_000)
        got = read_confluent(cluster.bootstrap)
        check("a group reads everything", got == wanted, difference(got, wanted))
        check("nobody left the in-sync replicas", len(leaders(admin, TOPIC)[0][1]) == 3)
        check("who led leads", leaders(admin, TOPIC)[0][0] == leader.id)
        check("no broker died", not cluster.crashes(), str(cluster.crashes()))
    done()


if __name__ == "__main__":
    main()
