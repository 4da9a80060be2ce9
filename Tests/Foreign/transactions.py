#!/usr/bin/env python3
"""Transactions of other people's producers on three brokers: commit, abort, a zombie fenced, offsets inside a transaction, and what
consumers see of all that with read_committed and with read_uncommitted.
"""
# time: 120
# broker: none

import asyncio

import harness
from harness import check, checking, equal, wait_until

TOPICS = ["tx-confluent", "tx-kafka-python", "tx-aiokafka", "tx-source"]


def make_topics(bootstrap):
    from confluent_kafka.admin import AdminClient, NewTopic

    admin = AdminClient({"bootstrap.servers": bootstrap})
    for future in admin.create_topics([NewTopic(name, 2, 3) for name in TOPICS]).values():
        future.result(20)


def read(bootstrap, topic, isolation, wanted, seconds=20):
    """All values of a topic, sorted, as one consumer of that isolation sees them; waits for `wanted` and looks a little further."""
    from confluent_kafka import Consumer, TopicPartition

    consumer = Consumer(
        {"bootstrap.servers": bootstrap, "group.id": f"reader-{topic}-{isolation}", "isolation.level": isolation,
         "enable.auto.commit": False, "auto.offset.reset": "earliest", "enable.partition.eof": True})
    from confluent_kafka import KafkaError

    consumer.assign([TopicPartition(topic, partition, 0) for partition in (0, 1)])
    values, ended = [], set()

    def step():
        message = consumer.poll(0.2)
        if message is None:
            return False
        if message.error():
            if message.error().code() == KafkaError._PARTITION_EOF:
                ended.add(message.partition())
        else:
            ended.discard(message.partition())
            values.append(message.value().decode())
        return len(values) >= wanted and len(ended) == 2

    wait_until(step, seconds, 0)
    consumer.close()
    return sorted(values)


def confluent(bootstrap):
    from confluent_kafka import Consumer, KafkaException, Producer, TopicPartition

    def producer(transactional_id):
        made = Producer({"bootstrap.servers": bootstrap, "transactional.id": transactional_id, "transaction.timeout.ms": 60000})
        made.init_transactions(30)
        return made

    topic = "tx-confluent"
    first = producer("confluent-1")
    for number in range(3):
        first.begin_transaction()
        for partition in (0, 1):
            first.produce(topic, f"c{number}-{partition}", partition=partition)
        if number == 1:
            first.flush(10)
            first.abort_transaction(30)
        else:
            first.commit_transaction(30)
    kept = ["c0-0", "c0-1", "c2-0", "c2-1"]
    equal("confluent: read_committed shows what was committed", read(bootstrap, topic, "read_committed", 4), kept)
    equal("confluent: read_uncommitted shows all", read(bootstrap, topic, "read_uncommitted", 6), sorted([*kept, "c1-0", "c1-1"]))

    first.begin_transaction()
    first.produce(topic, "zombie", partition=0)
    first.flush(10)
    second = producer("confluent-1")
    fenced = None
    try:
        first.commit_transaction(30)
    except KafkaException as error:
        fenced = error.args[0]
    check("confluent: a zombie is fenced", fenced is not None and fenced.fatal(), fenced)

    source = Producer({"bootstrap.servers": bootstrap})
    for number in range(4):
        source.produce("tx-source", f"s{number}", partition=0)
    source.flush(10)
    consumer = Consumer({"bootstrap.servers": bootstrap, "group.id": "tx-group", "isolation.level": "read_committed",
                         "enable.auto.commit": False, "auto.offset.reset": "earliest"})
    consumer.subscribe(["tx-source"])
    for outcome in ("abort", "commit"):
        taken = []

        def step():
            message = consumer.poll(0.2)
            if message is not None and not message.error():
                taken.append(message)
            return len(taken) == 2

        wait_until(step, 30, 0)
        second.begin_transaction()
        for message in taken:
            second.produce(topic, "d-" + message.value().decode(), partition=1)
        offsets = [TopicPartition("tx-source", 0, taken[-1].offset() + 1)]
        second.send_offsets_to_transaction(offsets, consumer.consumer_group_metadata(), 30)
        if outcome == "abort":
            second.abort_transaction(30)
            equal("confluent: offsets of an aborted transaction are not committed",
                  consumer.committed([TopicPartition("tx-source", 0)], 10)[0].offset, -1001)
            consumer.seek(TopicPartition("tx-source", 0, 0))
        else:
            second.commit_transaction(30)
            equal("confluent: offsets of a committed one are",
                  consumer.committed([TopicPartition("tx-source", 0)], 10)[0].offset, taken[-1].offset() + 1)
    consumer.close()
    equal("confluent: all in all", read(bootstrap, topic, "read_committed", 6), sorted([*kept, "d-s0", "d-s1"]))


def kafka_python(bootstrap):
    from kafka import KafkaProducer
    from kafka.errors import KafkaError

    topic = "tx-kafka-python"

    def producer():
        made = KafkaProducer(bootstrap_servers=bootstrap.split(","), transactional_id="kafka-python-1")
        made.init_transactions()
        return made

    first = producer()
    for number, ends in enumerate(["commit", "abort", "commit"]):
        first.begin_transaction()
        for partition in (0, 1):
            first.send(topic, f"k{number}-{partition}".encode(), partition=partition).get(20)
        first.commit_transaction() if ends == "commit" else first.abort_transaction()
    kept = ["k0-0", "k0-1", "k2-0", "k2-1"]
    equal("kafka-python: read_committed shows what was committed", read(bootstrap, topic, "read_committed", 4), kept)
    equal("kafka-python: read_uncommitted shows all", read(bootstrap, topic, "read_uncommitted", 6), sorted([*kept, "k1-0", "k1-1"]))
    first.begin_transaction()
    first.send(topic, b"zombie", partition=0).get(20)
    second = producer()
    fenced = None
    try:
        first.commit_transaction()
    except KafkaError as error:
        fenced = error
    check("kafka-python: a zombie is fenced", fenced is not None, "it committed")
    second.begin_transaction()
    second.send(topic, b"k3-0", partition=0).get(20)
    second.commit_transaction()
    second.close()
    try:
        first.close(timeout=2)
    except KafkaError:
        pass
    equal("kafka-python: nothing of the zombie is left", read(bootstrap, topic, "read_committed", 5), sorted([*kept, "k3-0"]))


async def aiokafka(bootstrap):
    from aiokafka import AIOKafkaConsumer, AIOKafkaProducer, TopicPartition
    from aiokafka.errors import KafkaError

    topic = "tx-aiokafka"

    async def producer():
        made = AIOKafkaProducer(bootstrap_servers=bootstrap, transactional_id="aiokafka-1")
        await made.start()
        return made

    first = await producer()
    for number, ends in enumerate(["commit", "abort", "commit"]):
        await first.begin_transaction()
        for partition in (0, 1):
            await first.send_and_wait(topic, f"a{number}-{partition}".encode(), partition=partition)
        if ends == "commit":
            await first.send_offsets_to_transaction({TopicPartition("tx-source", 1): number + 1}, "tx-aio-group")
            await first.commit_transaction()
        else:
            await first.send_offsets_to_transaction({TopicPartition("tx-source", 1): 100}, "tx-aio-group")
            await first.abort_transaction()
    consumer = AIOKafkaConsumer(bootstrap_servers=bootstrap, group_id="tx-aio-group", enable_auto_commit=False)
    await consumer.start()
    equal("aiokafka: offsets of the last committed transaction", await consumer.committed(TopicPartition("tx-source", 1)), 3)
    await consumer.stop()
    await first.begin_transaction()
    await first.send_and_wait(topic, b"zombie", partition=0)
    second = await producer()
    fenced = None
    try:
        await first.commit_transaction()
    except KafkaError as error:
        fenced = error
    check("aiokafka: a zombie is fenced", fenced is not None, "it committed")
    await second.stop()
    try:
        await asyncio.wait_for(first.stop(), 5)
    except (KafkaError, asyncio.TimeoutError):
        pass
    kept = ["a0-0", "a0-1", "a2-0", "a2-1"]
    seen = []
    reader = AIOKafkaConsumer(topic, bootstrap_servers=bootstrap, isolation_level="read_committed", auto_offset_reset="earliest")
    await reader.start()
    while len(seen) < 4:
        batches = await reader.getmany(timeout_ms=2000)
        if not batches:
            break
        seen += [record.value.decode() for records in batches.values() for record in records]
    await reader.stop()
    equal("aiokafka: its own read_committed consumer", sorted(seen), kept)
    equal("aiokafka: read_committed shows what was committed", read(bootstrap, topic, "read_committed", 4), kept)


def main():
    with harness.Broker(arguments=["--brokers", "3"]) as cluster:
        make_topics(cluster.bootstrap)
        with checking("confluent-kafka"):
            confluent(cluster.bootstrap)
        with checking("kafka-python"):
            kafka_python(cluster.bootstrap)
        with checking("aiokafka"):
            asyncio.run(aiokafka(cluster.bootstrap))
        with checking("a clean stop"):
            equal("the cluster stops cleanly", cluster.stop(), 0)


if __name__ == "__main__":
    main()
    harness.done()
