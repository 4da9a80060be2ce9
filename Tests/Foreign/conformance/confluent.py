"""confluent-kafka, which is librdkafka with a Python face."""

import threading
import time

import confluent_kafka
from confluent_kafka import Consumer, KafkaError, KafkaException, Producer, ShareConsumer, TopicPartition

from .base import SESSION_MS, STATIC_MS, Client, Failure, Reader, Record, ask, halves, until

QUIET = {"log_level": 0, "reconnect.backoff.max.ms": 500}


def as_record(message):
    kind, stamp = message.timestamp()
    return Record(
        message.value(), message.key(), tuple(message.headers() or ()), stamp if kind else None, message.partition(), message.offset())


class ConfluentReader(Reader):
    def __init__(self, cell, topic, group=None, partitions=None, reset="earliest", isolation="read_committed", auto_commit=False):
        self.topic = topic
        self.consumer = Consumer({
            "bootstrap.servers": cell.bootstrap, "group.id": group or f"{cell.name}-none", "auto.offset.reset": reset,
            "isolation.level": isolation, "enable.auto.commit": auto_commit, "auto.commit.interval.ms": 200,
            "enable.partition.eof": False, "session.timeout.ms": SESSION_MS, "heartbeat.interval.ms": 500, **QUIET})
        self.failed = []
        if partitions is not None:
            self.consumer.assign([TopicPartition(topic, p, confluent_kafka.OFFSET_STORED if o is None else o) for p, o in partitions.items()])
        else:
            self.consumer.subscribe([topic])

    def poll(self, seconds):
        found = []
        for message in self.consumer.consume(500, seconds):
            if message.error() is None:
                found.append(as_record(message))
            elif message.error().code() == KafkaError._AUTO_OFFSET_RESET:
                self.failed.append(message.error())
        return found

    def no_offset_was_reported(self):
        return bool(self.failed)

    def seek(self, partition, offset):
        special = {"beginning": confluent_kafka.OFFSET_BEGINNING, "end": confluent_kafka.OFFSET_END}
        self.consumer.seek(TopicPartition(self.topic, partition, special.get(offset, offset)))

    def position(self, partition):
        return self.consumer.position([TopicPartition(self.topic, partition)])[0].offset

    def pause(self, partitions):
        self.consumer.pause([TopicPartition(self.topic, p) for p in partitions])

    def resume(self, partitions):
        self.consumer.resume([TopicPartition(self.topic, p) for p in partitions])

    def commit(self, offsets=None):
        if offsets is None:
            self.consumer.commit(asynchronous=False)
        else:
            done = self.consumer.commit(offsets=[TopicPartition(self.topic, p, o) for p, o in offsets.items()], asynchronous=False)
            for partition in done:
                if partition.error:
                    raise KafkaException(partition.error)

    def commit_async(self, offsets):
        self.consumer.commit(offsets=[TopicPartition(self.topic, p, o) for p, o in offsets.items()], asynchronous=True)

    def committed(self, partition):
        offset = self.consumer.committed([TopicPartition(self.topic, partition)], 10)[0].offset
        return None if offset < 0 else offset

    def offset_for_time(self, partition, stamp):
        offset = self.consumer.offsets_for_times([TopicPartition(self.topic, partition, stamp)], 10)[0].offset
        return None if offset < 0 else offset

    def bounds(self, partition):
        return self.consumer.get_watermark_offsets(TopicPartition(self.topic, partition), 10, cached=False)

    def assignment(self):
        return sorted(p.partition for p in self.consumer.assignment())

    def metadata(self):
        return self.consumer.consumer_group_metadata()

    def close(self):
        self.consumer.close()


class Transactional:
    """A transactional producer. `fenced(error)`: whether a newer one has taken its place."""

    def __init__(self, cell, transactional_id, milliseconds=60000):
        self.producer = Producer({
            "bootstrap.servers": cell.bootstrap, "transactional.id": transactional_id, "transaction.timeout.ms": milliseconds,
            "linger.ms": 0, **QUIET})

    def start(self):
        self.producer.init_transactions(30)

    def begin(self):
        self.producer.begin_transaction()

    def write(self, topic, records):
        for record in records:
            self.producer.produce(topic, record.value, record.key, record.partition or 0)
        if self.producer.flush(30):
            raise Failure("not flushed within 30 s")

    def offsets(self, reader, topic, offsets):
        self.producer.send_offsets_to_transaction([TopicPartition(topic, p, o) for p, o in offsets.items()], reader.metadata(), 30)

    def commit(self):
        self.producer.commit_transaction(30)

    def abort(self):
        self.producer.abort_transaction(30)

    @staticmethod
    def fenced(error):
        return isinstance(error, KafkaException) and error.args[0].code() in (
            KafkaError._FENCED, KafkaError.INVALID_PRODUCER_EPOCH, KafkaError.PRODUCER_FENCED)

    def close(self):
        pass


class Confluent(Client):
    name = "confluent-kafka"
    version = confluent_kafka.__version__
    # Each is a row of its own; why it has none is what the table's dash stands for.
    not_offered = {
        "group-sticky": "librdkafka has the cooperative form only", "admin-reassign": "not in its admin client",
        "admin-log-dirs": "not in its admin client", "admin-producers": "not in its admin client", "admin-transactions": "not in its admin client",
        "admin-delete-offsets": "not in its admin client", "admin-features": "not in its admin client", "admin-quorum": "not in its admin client",
        "admin-remove-member": "not in its admin client", "admin-config-resources": "not in its admin client",
    }

    # The same without a kill: a broker that is the coordinator no more answers OffsetFetch v9 with 16, and the process ends.
    fragile = {"admin-group-offsets": (
        "librdkafka's handler of OffsetFetch answers NOT_COORDINATOR by an order to the client's consumer group; an admin client has none, "
        "and the process ends with SIGSEGV")}

    def write(self, cell, topic, records, codec="none", acks="all", idempotent=False, middle=None):
        failed = []
        producer = Producer({
            "bootstrap.servers": cell.bootstrap, "compression.type": codec, "acks": acks, "enable.idempotence": idempotent,
            "linger.ms": 10, "message.timeout.ms": 60000, "topic.metadata.refresh.interval.ms": 2000, **QUIET})
        for record in halves(records, middle and (lambda: (producer.flush(20), middle()))):
            more = {} if record.timestamp is None else {"timestamp": record.timestamp}
            if record.partition is not None:
                more["partition"] = record.partition
            producer.produce(
                topic, record.value, record.key, headers=list(record.headers), on_delivery=lambda e, _: failed.append(e) if e else None, **more)
        left = producer.flush(60)
        if failed or left:
            raise Failure(f"{len(failed)} refused, {left} left: {failed[:1]}")

    def read(self, cell, topic, count, offsets=None, isolation="read_committed", seconds=60.0):
        reader = Consumer({
            "bootstrap.servers": cell.bootstrap, "group.id": f"{cell.name}-reader", "enable.auto.commit": False, "isolation.level": isolation,
            "auto.offset.reset": "earliest", "check.crcs": True, "topic.metadata.refresh.interval.ms": 2000, **QUIET})
        try:
            if offsets is None:
                offsets = {p: 0 for p in reader.list_topics(topic, 20).topics[topic].partitions}
            reader.assign([TopicPartition(topic, p, o) for p, o in offsets.items()])
            found, end = [], time.monotonic() + seconds
            while len(found) < count and time.monotonic() < end:
                found += [as_record(m) for m in reader.consume(count - len(found), 0.2) if m.error() is None]
            return found
        finally:
            reader.close()

    def consumer(self, cell, topic, **settings):
        return ConfluentReader(cell, topic, **settings)

    def admin(self, cell):
        from .admin_confluent import ConfluentAdmin

        return ConfluentAdmin(cell)

    def transactional(self, cell, transactional_id, **settings):
        return Transactional(cell, transactional_id, **settings)

    def share(self, cell, group, topic, count):
        """The offsets that three share consumers of a group got, until there are `count` or 40 s are over."""
        ask(cell.bootstrap.split(",")[0 if cell.victim != 1 else 1], "IncrementalAlterConfigs", 1, {"ValidateOnly": False, "Resources": [{
            "ResourceType": 32, "ResourceName": group,
            "Configs": [{"Name": "share.auto.offset.reset", "ConfigOperation": 0, "Value": "earliest"}]}]})
        found, over = [], threading.Event()

        def consume():
            consumer = ShareConsumer({"bootstrap.servers": cell.bootstrap, "group.id": group, **QUIET})
            consumer.subscribe([topic])
            while not over.is_set():
                found.extend(m.offset() for m in consumer.poll(0.3) if m.error() is None)
            consumer.close()

        threads = [threading.Thread(target=consume, daemon=True) for _ in range(3)]
        for thread in threads:
            thread.start()
        until(lambda: len(found) >= count, 40)
        over.set()
        for thread in threads:
            thread.join(15)
        return found

    def member(self, group, topic, bootstrap, assignor, instance):
        settings = {
            "bootstrap.servers": bootstrap, "group.id": group, "auto.offset.reset": "earliest", "auto.commit.interval.ms": 300,
            "topic.metadata.refresh.interval.ms": 2000, **QUIET}
        if assignor in ("uniform", "server-range"):
            settings.update({"group.protocol": "consumer", "group.remote.assignor": assignor.replace("server-", "")})
        else:
            settings.update({
                "session.timeout.ms": STATIC_MS if instance else SESSION_MS, "heartbeat.interval.ms": 300, "partition.assignment.strategy": assignor})
        if instance:
            settings["group.instance.id"] = instance
        consumer = Consumer(settings)
        consumer.subscribe([topic])
        try:
            while True:
                message = consumer.poll(0.1)
                if message and not message.error():
                    yield ("read", message.partition(), message.offset())
                yield ("owned", sorted(p.partition for p in consumer.assignment()))
        finally:
            consumer.close()
