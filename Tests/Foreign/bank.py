#!/usr/bin/env python3
"""A bank on three broker processes: workers of confluent-kafka take transfers from one topic and book each as two entries in another,
with their offsets, in one transaction. Workers and brokers are killed while they do. In the end every transfer is booked exactly once, and
the sum of all accounts is what it was: nothing.

KASTELLAN_TRANSFERS=10000 for the long run, outside of run.py; a few hundred by default.
"""
# time: 150
# broker: none

import collections
import json
import os
import random
import signal
import subprocess
import sys
import time

import harness
from harness import check, equal

TRANSFERS = int(os.environ.get("KASTELLAN_TRANSFERS", "250"))
WORKERS = 3
# Transfers in one transaction, at most: few, so that there are many transactions.
BATCH = max(5, TRANSFERS // 500)
ACCOUNTS = 20
PARTITIONS = 4


def worker(bootstrap, number):
    """One worker until it is killed: a supervisor starts the next of its name, whose first act fences it."""
    from confluent_kafka import Consumer, KafkaException, Producer

    producer = Producer({
        "bootstrap.servers": bootstrap, "transactional.id": f"bank-{number}", "transaction.timeout.ms": 10000, "linger.ms": 1})
    consumer = Consumer({
        "bootstrap.servers": bootstrap, "group.id": "bank", "isolation.level": "read_committed", "enable.auto.commit": False,
        "auto.offset.reset": "earliest", "session.timeout.ms": 6000, "heartbeat.interval.ms": 500})
    producer.init_transactions(60)
    consumer.subscribe(["transfers"])
    while True:
        messages = [message for message in consumer.consume(BATCH, 0.2) if not message.error()]
        if not messages:
            continue
        try:
            producer.begin_transaction()
            for message in messages:
                transfer = json.loads(message.value())
                for account, amount in ((transfer["from"], -transfer["amount"]), (transfer["to"], transfer["amount"])):
                    entry = {"id": transfer["id"], "account": account, "amount": amount}
                    producer.produce("entries", json.dumps(entry), key=str(account))
            producer.send_offsets_to_transaction(consumer.position(consumer.assignment()), consumer.consumer_group_metadata(), 30)
            producer.commit_transaction(60)
        except KafkaException as failure:
            error = failure.args[0]
            print(f"worker {number}: {error}", file=sys.stderr, flush=True)
            if error.txn_requires_abort():
                producer.abort_transaction(60)
            # What was taken and not booked is taken again by whoever comes next.
            sys.exit(3)


def make_transfers(bootstrap):
    from confluent_kafka import Producer
    from confluent_kafka.admin import AdminClient, NewTopic

    admin = AdminClient({"bootstrap.servers": bootstrap})
    for future in admin.create_topics([NewTopic(name, PARTITIONS, 3) for name in ("transfers", "entries")]).values():
        future.result(30)
    producer = Producer({"bootstrap.servers": bootstrap, "enable.idempotence": True})
    draw = random.Random(7)
    for number in range(TRANSFERS):
        transfer = {"id": number, "from": draw.randrange(ACCOUNTS), "to": draw.randrange(ACCOUNTS), "amount": draw.randrange(1, 100)}
        producer.produce("transfers", json.dumps(transfer), partition=number % PARTITIONS)
    producer.flush(60)


class Reader:
    """Reads the entries as they are committed."""

    def __init__(self, bootstrap):
        from confluent_kafka import Consumer, TopicPartition

        self.consumer = Consumer({
            "bootstrap.servers": bootstrap, "group.id": "auditor", "isolation.level": "read_committed", "enable.auto.commit": False})
        self.consumer.assign([TopicPartition("entries", partition, 0) for partition in range(PARTITIONS)])
        self.booked = collections.Counter()
        self.balances = collections.Counter()
        self.entries = 0

    def read(self, seconds):
        end = time.monotonic() + seconds
        while time.monotonic() < end:
            for message in self.consumer.consume(500, 0.1):
                if not message.error():
                    entry = json.loads(message.value())
                    self.entries += 1
                    self.booked[entry["id"]] += 1
                    self.balances[entry["account"]] += entry["amount"]


def main():
    from cluster import Cluster

    seed = int(os.environ.get("SEED", "0")) or random.randrange(1 << 30)
    print(f"seed {seed}, {TRANSFERS} transfers", flush=True)
    draw = random.Random(seed)
    with open(os.path.join(harness.TMP, "workers.log"), "ab") as log, Cluster(3) as cluster:
        make_transfers(cluster.bootstrap)
        workers = {}

        def start(number):
            command = [sys.executable, os.path.abspath(__file__), "worker", cluster.bootstrap, str(number)]
            workers[number] = subprocess.Popen(command, stderr=log)

        for number in range(WORKERS):
            start(number)
        reader = Reader(cluster.bootstrap)
        killed = collections.Counter()
        down = None
        deadline = time.monotonic() + 60 + TRANSFERS / 40
        next_fault = 0
        while len(reader.booked) < TRANSFERS and time.monotonic() < deadline:
            reader.read(0.5)
            for number, process in workers.items():
                if process.poll() is not None:
                    start(number)
            if not reader.booked or time.monotonic() < next_fault:
                continue
            next_fault = time.monotonic() + draw.uniform(1, 3)
            if down is not None:
                down.start()
                down = None
            elif draw.random() < 0.5:
                down = cluster.node(draw.randrange(1, 4))
                down.kill()
                killed["brokers"] += 1
            else:
                workers[draw.randrange(WORKERS)].send_signal(signal.SIGKILL)
                killed["workers"] += 1
        if down is not None:
            down.start()
        # What is booked twice comes late, if it comes.
        reader.read(3)
        for process in workers.values():
            process.kill()
            process.wait()
        print(f"killed {dict(killed)}", flush=True)
        check("every transfer is booked", len(reader.booked) == TRANSFERS, f"{len(reader.booked)} of {TRANSFERS}")
        twice = {number: count for number, count in reader.booked.items() if count != 2}
        check("each with its two entries, once", not twice, dict(list(twice.items())[:10]))
        equal("the sum of all accounts", sum(reader.balances.values()), 0)
        equal("entries", reader.entries, 2 * TRANSFERS)
        check("no broker ended by itself", not cluster.crashes(), cluster.crashes())


if __name__ == "__main__":
    if sys.argv[1:2] == ["worker"]:
        worker(sys.argv[2], int(sys.argv[3]))
    else:
        main()
        harness.done()
