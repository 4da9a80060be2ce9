# time: 60
# broker: none
"""A transaction that nobody will end: made with confluent-kafka's producer id and a batch that kafka-python built and that came late, found
and ended by our commands, while readers with read_committed wait and then go on. And one that is still under way, taken from its producer."""

import json
import os
import socket
import struct
import subprocess
import tempfile
import time

from confluent_kafka import Consumer, KafkaError, KafkaException, Producer, TopicPartition
from confluent_kafka.admin import AdminClient, NewTopic
from kafka.record.default_records import DefaultRecordBatchBuilder

import harness
import kafka_codec
from cluster import free_ports
from harness import check, done, equal, kastellan

TOPIC = "ledger"


class Node:
    """One broker that, as Kafka before 3.6, does not ask the coordinator before it appends."""

    def __init__(self):
        self.port = free_ports(1)[0]
        self.bootstrap = f"127.0.0.1:{self.port}"
        directory = tempfile.mkdtemp(prefix="hanging-", dir=harness.TMP)
        settings = {
            "node.id": 1, "log.dirs": directory, "listeners": f"PLAINTEXT://{self.bootstrap}", "group.initial.rebalance.delay.ms": 0,
            "offsets.topic.replication.factor": 1, "transaction.state.log.replication.factor": 1, "transaction.state.log.min.isr": 1,
            "transaction.partition.verification.enable": "false",
        }
        path = os.path.join(harness.TMP, "hanging.properties")
        with open(path, "w", encoding="utf-8") as file:
            file.writelines(f"{k}={v}\n" for k, v in settings.items())
        self.log = open(os.path.join(harness.TMP, "hanging.log"), "wb")
        self.process = subprocess.Popen([harness.PROGRAM, "broker", path], stdout=subprocess.PIPE, stderr=self.log)
        check("the broker starts", self.process.stdout.readline().startswith(b"bootstrap.servers="), "see hanging.log")

    def command(self, *words):
        return kastellan("transactions", *words, bootstrap=self.bootstrap)

    def rows(self, *words):
        code, out, err = self.command(*words, "-o", "json")
        equal(f"{' '.join(words)} ends well", (code, err), (0, ""))
        return json.loads(out)

    def stop(self):
        self.process.terminate()
        equal("the broker stops cleanly", self.process.wait(15), 0)


def transactional(node, name):
    producer = Producer({"bootstrap.servers": node.bootstrap, "transactional.id": name, "transaction.timeout.ms": 60000})
    producer.init_transactions(20)
    return producer


def read(node, isolation):
    """All that such a reader sees up to the end it is shown."""
    consumer = Consumer({
        "bootstrap.servers": node.bootstrap, "group.id": f"{isolation}-{time.monotonic_ns()}", "isolation.level": isolation,
        "enable.auto.commit": False, "enable.partition.eof": True})
    consumer.assign([TopicPartition(TOPIC, 0, 0)])
    values, end = [], time.monotonic() + 20
    while time.monotonic() < end:
        message = consumer.poll(1)
        if message is None:
            continue
        if message.error():
            if message.error().code() == KafkaError._PARTITION_EOF:
                break
            raise KafkaException(message.error())
        values.append(message.value().decode())
    consumer.close()
    return values


def late_batch(node, producer):
    """A batch of a transaction that has ended, as it comes of a network that held it up."""
    sequence = producer["lastSequence"] + 1
    builder = DefaultRecordBatchBuilder(2, 0, 1, producer["producerId"], producer["producerEpoch"], sequence, 10_000)
    for index in range(2):
        builder.append(index, int(time.time() * 1000), None, b"late-%d" % index, [])
    body = {
        "TransactionalId": "transfer-1", "Acks": -1, "TimeoutMs": 10_000,
        "TopicData": [{"Name": TOPIC, "PartitionData": [{"Index": 0, "Records": bytes(builder.build())}]}],
    }
    frame = kafka_codec.encode_request("Produce", 9, body)
    with socket.create_connection(("127.0.0.1", node.port), 10) as connection:
        connection.sendall(struct.pack(">i", len(frame)) + frame)
        size = struct.unpack(">i", connection.recv(4, socket.MSG_WAITALL))[0]
        answer = kafka_codec.decode_response("Produce", 9, connection.recv(size, socket.MSG_WAITALL))[1]
    return answer["Responses"][0]["PartitionResponses"][0]["ErrorCode"]


def titles(text):
    return text.splitlines()[0].split()


def hanging(node):
    producer = transactional(node, "transfer-1")
    producer.begin_transaction()
    for index in range(3):
        producer.produce(TOPIC, b"paid-%d" % index, partition=0)
    producer.commit_transaction(20)
    (known,) = node.rows("describe-producers", "--topic", TOPIC, "--partition", "0")
    equal("nothing is open", known["currentTransactionStartOffset"], None)
    equal("the late batch is taken", late_batch(node, known), 0)
    plain = Producer({"bootstrap.servers": node.bootstrap})
    for value in [b"plain-0", b"plain-1"]:
        plain.produce(TOPIC, value, partition=0)
    plain.flush(20)

    paid = ["paid-0", "paid-1", "paid-2"]
    equal("read_committed waits behind it", read(node, "read_committed"), paid)
    equal("read_uncommitted does not", read(node, "read_uncommitted"), paid + ["late-0", "late-1", "plain-0", "plain-1"])
    (open_one,) = [row for row in node.rows("describe-producers", "--topic", TOPIC, "--partition", "0")
                   if row["currentTransactionStartOffset"] is not None]
    start = str(open_one["currentTransactionStartOffset"])
    equal("it begins behind the marker", start, "4")

    equal("none is older than the longest transaction", node.rows("find-hanging"), [])
    found = node.rows("find-hanging", "--max-transaction-timeout", "0")
    equal("it is found", [(row["topic"], row["partition"], row["producerId"], row["startOffset"]) for row in found],
          [(TOPIC, 0, known["producerId"], 4)])
    equal("also by its broker", len(node.rows("find-hanging", "--max-transaction-timeout", "0", "--broker-id", "1")), 1)

    place = ["--topic", TOPIC, "--partition", "0"]
    code, out, _ = node.command("abort", *place, "--start-offset", start, "--dry-run")
    check("the plan names Kafka's command", code == 0 and f"abort --topic {TOPIC} --partition 0 --start-offset {start}" in out, out)
    equal("without a yes nothing happens", node.command("abort", *place, "--start-offset", start)[0], 2)
    code, _, err = node.command("abort", *place, "--start-offset", "0", "--yes")
    equal("where none begins", (code, err),
          (1, f"kastellan: Could not find any open transactions starting at offset 0 on partition {TOPIC}-0\n"))
    code, out, err = node.command("abort", *place, "--start-offset", start, "--yes")
    equal("it is aborted", (code, out, err), (0, f"Abort a transaction in {TOPIC}-0: done.\n", ""))
    equal("read_committed goes on", read(node, "read_committed"), paid + ["plain-0", "plain-1"])
    equal("nothing hangs", node.rows("find-hanging", "--max-transaction-timeout", "0"), [])


def under_way(node):
    producer = transactional(node, "transfer-2")
    producer.begin_transaction()
    producer.produce(TOPIC, b"never", partition=0)
    producer.flush(20)
    equal("what its coordinator knows does not hang", node.rows("find-hanging", "--max-transaction-timeout", "0"), [])
    (row,) = node.rows("describe", "--transactional-id", "transfer-2")
    equal("it is described", (row["transactionState"], row["topicPartitions"], row["coordinatorId"]), ("Ongoing", [f"{TOPIC}-0"], 1))
    check("with its age", 0 <= row["transactionDurationMs"] < 60_000)
    listed = {row["transactionalId"]: row["transactionState"] for row in node.rows("list")}
    equal("all are listed", sorted(listed), ["transfer-1", "transfer-2"])
    equal("by a pattern", [row["transactionalId"] for row in node.rows("list", "--transactional-id-pattern", ".*-2")], ["transfer-2"])
    code, _, err = node.command("force-terminate", "--transactional-id", "transfer-2", "--yes")
    equal("it is taken from its producer", (code, err), (0, ""))
    (row,) = node.rows("describe", "--transactional-id", "transfer-2")
    check("nothing is under way", row["transactionState"] in ("CompleteAbort", "Empty"), str(row))
    try:
        producer.commit_transaction(20)
        check("its producer can go on no more", False)
    except KafkaException as error:
        check("its producer can go on no more", error.args[0].fatal() or error.args[0].txn_requires_abort(), str(error))
    check("its record is not seen", "never" not in read(node, "read_committed"))


def words(node):
    """Under the names that Kafka's tool has, and at an end where that one waits for ever."""
    equal("list", titles(node.command("list")[1]), ["TransactionalId", "Coordinator", "ProducerId", "TransactionState"])
    equal("describe", titles(node.command("describe", "--transactional-id", "transfer-1")[1]), [
        "CoordinatorId", "TransactionalId", "ProducerId", "ProducerEpoch", "TransactionState", "TransactionTimeoutMs",
        "CurrentTransactionStartTimeMs", "TransactionDurationMs", "TopicPartitions"])
    equal("describe-producers", titles(node.command("describe-producers", "--topic", TOPIC, "--partition", "0")[1]), [
        "ProducerId", "ProducerEpoch", "LatestCoordinatorEpoch", "LastSequence", "LastTimestamp", "CurrentTransactionStartOffset"])
    equal("find-hanging", titles(node.command("find-hanging")[1]), [
        "Topic", "Partition", "ProducerId", "ProducerEpoch", "CoordinatorEpoch", "StartOffset", "LastTimestamp", "Duration(min)"])
    code, _, err = node.command("describe-producers", "--topic", TOPIC, "--partition", "99")
    equal("a partition that is not there", (code, err), (1, f"kastellan: topic {TOPIC} has no partition 99; it has 1\n"))
    code, _, err = node.command("describe", "--transactional-id", "missing-one")
    check("an id that is not there", code == 1 and "missing-one" in err, err)
    for line in (["describe"], ["abort", "--topic", TOPIC], ["describe-producers", "--topic", TOPIC], ["find-hanging", "--partition", "0"]):
        equal(f"{' '.join(line)} lacks something", node.command(*line)[0], 2)


node = Node()
try:
    admin = AdminClient({"bootstrap.servers": node.bootstrap})
    admin.create_topics([NewTopic(TOPIC, 1, 1)])[TOPIC].result(20)
    hanging(node)
    under_way(node)
    words(node)
finally:
    node.stop()
done()
