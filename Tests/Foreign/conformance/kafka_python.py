"""kafka-python: a client in Python alone."""

import time

import kafka
from kafka import KafkaConsumer, KafkaProducer, TopicPartition
from kafka.coordinator.assignors.cooperative_sticky import CooperativeStickyAssignor
from kafka.coordinator.assignors.range import RangePartitionAssignor
from kafka.coordinator.assignors.roundrobin import RoundRobinPartitionAssignor
from kafka.coordinator.assignors.sticky.sticky_assignor import StickyPartitionAssignor
from kafka.errors import InvalidProducerEpochError, NoOffsetForPartitionError, ProducerFencedError
from kafka.structs import OffsetAndMetadata

from .base import SESSION_MS, STATIC_MS, Client, Reader, Record, halves

QUICK = {"reconnect_backoff_max_ms": 500, "request_timeout_ms": 15000, "metadata_max_age_ms": 2000}
ASSIGNORS = {
    "range": RangePartitionAssignor, "roundrobin": RoundRobinPartitionAssignor, "sticky": StickyPartitionAssignor,
    "cooperative-sticky": CooperativeStickyAssignor}


def as_record(message):
    return Record(message.value, message.key, tuple(message.headers or ()), message.timestamp, message.partition, message.offset)


class PythonReader(Reader):
    def __init__(self, cell, topic, group=None, partitions=None, reset="earliest", isolation="read_committed", auto_commit=False):
        self.topic, self.failed = topic, False
        self.consumer = KafkaConsumer(
            bootstrap_servers=cell.bootstrap.split(","), group_id=group, auto_offset_reset=reset, isolation_level=isolation,
            enable_auto_commit=auto_commit, auto_commit_interval_ms=200, session_timeout_ms=SESSION_MS, heartbeat_interval_ms=500, **QUICK)
        if partitions is not None:
            self.consumer.assign([TopicPartition(topic, p) for p in partitions])
            for partition, offset in partitions.items():
                if offset is not None:
                    self.consumer.seek(TopicPartition(topic, partition), offset)
        else:
            self.consumer.partitions_for_topic(topic)
            self.consumer.subscribe([topic])

    def poll(self, seconds):
        try:
            return [as_record(m) for batch in self.consumer.poll(timeout_ms=int(seconds * 1000)).values() for m in batch]
        except NoOffsetForPartitionError:
            self.failed = True
            return []

    def no_offset_was_reported(self):
        return self.failed

    def seek(self, partition, offset):
        where = TopicPartition(self.topic, partition)
        if offset == "beginning":
            self.consumer.seek_to_beginning(where)
        elif offset == "end":
            self.consumer.seek_to_end(where)
        else:
            self.consumer.seek(where, offset)

    def position(self, partition):
        return self.consumer.position(TopicPartition(self.topic, partition))

    def pause(self, partitions):
        self.consumer.pause(*[TopicPartition(self.topic, p) for p in partitions])

    def resume(self, partitions):
        self.consumer.resume(*[TopicPartition(self.topic, p) for p in partitions])

    def commit(self, offsets=None):
        self.consumer.commit(offsets and self.told(offsets))

    def commit_async(self, offsets):
        self.consumer.commit_async(self.told(offsets))

    def told(self, offsets):
        return {TopicPartition(self.topic, p): OffsetAndMetadata(o, "", -1) for p, o in offsets.items()}

    def committed(self, partition):
        return self.consumer.committed(TopicPartition(self.topic, partition))

    def offset_for_time(self, partition, stamp):
        where = TopicPartition(self.topic, partition)
        found = self.consumer.offsets_for_times({where: stamp})[where]
        return None if found is None or found.offset < 0 else found.offset

    def bounds(self, partition):
        where = TopicPartition(self.topic, partition)
        return self.consumer.beginning_offsets([where])[where], self.consumer.end_offsets([where])[where]

    def assignment(self):
        return sorted(p.partition for p in self.consumer.assignment())

    def metadata(self):
        return self.consumer.group_metadata()

    def close(self):
        self.consumer.close()


class Transactional:
    def __init__(self, cell, transactional_id, milliseconds=60000):
        self.producer = KafkaProducer(
            bootstrap_servers=cell.bootstrap.split(","), transactional_id=transactional_id, transaction_timeout_ms=milliseconds, **QUICK)

    def start(self):
        self.producer.init_transactions()

    def begin(self):
        self.producer.begin_transaction()

    def write(self, topic, records):
        for future in [self.producer.send(topic, r.value, r.key, partition=r.partition or 0) for r in records]:
            future.get(30)

    def offsets(self, reader, topic, offsets):
        self.producer.send_offsets_to_transaction(
            {TopicPartition(topic, p): OffsetAndMetadata(o, "", -1) for p, o in offsets.items()}, reader.metadata())

    def commit(self):
        self.producer.commit_transaction()

    def abort(self):
        self.producer.abort_transaction()

    @staticmethod
    def fenced(error):
        text = f"{type(error).__name__} {error}"
        return isinstance(error, (ProducerFencedError, InvalidProducerEpochError)) or "Fenced" in text or "ProducerEpoch" in text

    def close(self):
        self.producer.close(timeout=2)


class KafkaPython(Client):
    name = "kafka-python"
    version = kafka.__version__
    not_offered = {
        "group-uniform": "no KIP-848 consumer", "group-server-range": "no KIP-848 consumer", "share-group": "no share consumer",
       
    }

    # 3.0.12 never sends its request again where FindCoordinator still names the broker that has just died.
    # Sender._maybe_send_pending_request; with `target_node = None` before the last `break` there all these rows pass.
    fragile = {name: (
        "its sender takes a request of a transaction off its queue and, where connecting to the coordinator fails, neither sends nor fails "
        "it; who waits for it waits for ever") for name in (
        "txn-commit", "txn-abort", "txn-fencing", "txn-offsets", "txn-offsets-abort", "admin-transactions")}

    def write(self, cell, topic, records, codec="none", acks="all", idempotent=False, middle=None):
        producer = KafkaProducer(
            bootstrap_servers=cell.bootstrap.split(","), compression_type=None if codec == "none" else codec, enable_idempotence=idempotent,
            acks={"all": "all", "0": 0, "1": 1}[acks], linger_ms=10, delivery_timeout_ms=60000,
            **({} if idempotent else {"max_in_flight_requests_per_connection": 1}), **QUICK)
        try:
            futures = []

            def half():
                for future in futures:
                    future.get(30)
                middle()

            for record in halves(records, middle and half):
                futures.append(producer.send(
                    topic, record.value, record.key, list(record.headers), record.partition, record.timestamp))
            for future in futures:
                future.get(60)
        finally:
            producer.close(timeout=5)

    def read(self, cell, topic, count, offsets=None, isolation="read_committed", seconds=60.0):
        reader = KafkaConsumer(
            bootstrap_servers=cell.bootstrap.split(","), group_id=None, auto_offset_reset="earliest", isolation_level=isolation,
            check_crcs=True, **QUICK)
        try:
            end = time.monotonic() + seconds
            if offsets is None:
                partitions = None
                while not partitions and time.monotonic() < end:
                    partitions = reader.partitions_for_topic(topic)
                offsets = {p: 0 for p in partitions or ()}
            reader.assign([TopicPartition(topic, p) for p in offsets])
            for partition, offset in offsets.items():
                reader.seek(TopicPartition(topic, partition), offset)
            found = []
            while len(found) < count and time.monotonic() < end:
                found += [as_record(m) for batch in reader.poll(timeout_ms=200).values() for m in batch]
            return found[:count]
        finally:
            reader.close()

    def consumer(self, cell, topic, **settings):
        return PythonReader(cell, topic, **settings)

    def admin(self, cell):
        from .admin_python import PythonAdmin

        return PythonAdmin(cell)

    def transactional(self, cell, transactional_id, **settings):
        return Transactional(cell, transactional_id, **settings)

    def member(self, group, topic, bootstrap, assignor, instance):
        # The topic is known before it joins and not asked for often: a leader that learns of metadata while it assigns may lose the answer to
        # its SyncGroup (3.0.12), and stands still.
        consumer = KafkaConsumer(
            bootstrap_servers=bootstrap.split(","), group_id=group, auto_offset_reset="earliest", auto_commit_interval_ms=300,
            session_timeout_ms=STATIC_MS if instance else SESSION_MS, heartbeat_interval_ms=300, partition_assignment_strategy=[ASSIGNORS[assignor]],
            reconnect_backoff_max_ms=500, request_timeout_ms=15000, **({"group_instance_id": instance} if instance else {}))
        consumer.partitions_for_topic(topic)
        consumer.subscribe([topic])
        try:
            while True:
                # A poll that ends while its SyncGroup is on its way forgets the answer (3.0.12): the member keeps what it had, without a heartbeat,
                # and does not join again. So a poll gets longer than a broker takes.
                for records in consumer.poll(timeout_ms=1000).values():
                    for record in records:
                        yield ("read", record.partition, record.offset)
                yield ("owned", sorted(p.partition for p in consumer.assignment()))
        finally:
            consumer.close()
