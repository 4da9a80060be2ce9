"""aiokafka. Everything runs in one event loop on a thread of its own, so that rows can call it like the others."""

import asyncio
import threading
import time
from concurrent.futures import CancelledError

import aiokafka
from aiokafka import AIOKafkaConsumer, AIOKafkaProducer, TopicPartition
from aiokafka.coordinator.assignors.range import RangePartitionAssignor
from aiokafka.coordinator.assignors.roundrobin import RoundRobinPartitionAssignor
from aiokafka.coordinator.assignors.sticky.sticky_assignor import StickyPartitionAssignor
from aiokafka.errors import NoOffsetForPartitionError, ProducerFenced

from .base import SESSION_MS, STATIC_MS, Client, Reader, Record, halves

QUICK = {"request_timeout_ms": 15000, "metadata_max_age_ms": 2000}
ASSIGNORS = {"range": RangePartitionAssignor, "roundrobin": RoundRobinPartitionAssignor, "sticky": StickyPartitionAssignor}


class Loop:
    """The event loop's thread, started when it is first needed."""

    def __init__(self):
        self.loop = None
        self.lock = threading.Lock()

    def run(self, coroutine, seconds=90):
        with self.lock:
            if self.loop is None:
                self.loop = asyncio.new_event_loop()
                threading.Thread(target=self.loop.run_forever, daemon=True).start()
        return asyncio.run_coroutine_threadsafe(coroutine, self.loop).result(seconds)


LOOP = Loop()


async def made(kind, *words, **settings):
    """A client has to be made inside the loop it lives in."""
    return kind(*words, **settings)


def as_record(message):
    return Record(message.value, message.key, tuple(message.headers or ()), message.timestamp, message.partition, message.offset)


def stopped(consumer):
    """Its stop() cancels tasks of its own and awaits them, and while brokers are away that may come out of it. There is nothing left to do then."""
    try:
        LOOP.run(consumer.stop())
    except CancelledError:
        pass


class AioReader(Reader):
    def __init__(self, cell, topic, group=None, partitions=None, reset="earliest", isolation="read_committed", auto_commit=False):
        self.topic, self.failed = topic, False
        self.consumer = LOOP.run(made(
            AIOKafkaConsumer, bootstrap_servers=cell.bootstrap, group_id=group, auto_offset_reset=reset, isolation_level=isolation,
            enable_auto_commit=auto_commit, auto_commit_interval_ms=200, session_timeout_ms=SESSION_MS, heartbeat_interval_ms=500, **QUICK))
        LOOP.run(self.open(partitions))

    async def open(self, partitions):
        await self.consumer.start()
        if partitions is None:
            self.consumer.subscribe([self.topic])
            return
        self.consumer.assign([TopicPartition(self.topic, p) for p in partitions])
        for partition, offset in partitions.items():
            if offset is not None:
                self.consumer.seek(TopicPartition(self.topic, partition), offset)

    def poll(self, seconds):
        try:
            batches = LOOP.run(self.consumer.getmany(timeout_ms=int(seconds * 1000)))
        except NoOffsetForPartitionError:
            self.failed = True
            return []
        return [as_record(m) for batch in batches.values() for m in batch]

    def no_offset_was_reported(self):
        return self.failed

    def seek(self, partition, offset):
        where = TopicPartition(self.topic, partition)

        async def move():
            if offset == "beginning":
                await self.consumer.seek_to_beginning(where)
            elif offset == "end":
                await self.consumer.seek_to_end(where)
            else:
                self.consumer.seek(where, offset)

        LOOP.run(move())

    def position(self, partition):
        return LOOP.run(self.consumer.position(TopicPartition(self.topic, partition)))

    async def flow(self, call, partitions):
        call(*[TopicPartition(self.topic, p) for p in partitions])

    def pause(self, partitions):
        LOOP.run(self.flow(self.consumer.pause, partitions))

    def resume(self, partitions):
        LOOP.run(self.flow(self.consumer.resume, partitions))

    def commit(self, offsets=None):
        LOOP.run(self.consumer.commit(offsets and {TopicPartition(self.topic, p): o for p, o in offsets.items()}))

    def committed(self, partition):
        return LOOP.run(self.consumer.committed(TopicPartition(self.topic, partition)))

    def offset_for_time(self, partition, stamp):
        where = TopicPartition(self.topic, partition)
        found = LOOP.run(self.consumer.offsets_for_times({where: stamp}))[where]
        return None if found is None or found.offset < 0 else found.offset

    def bounds(self, partition):
        where = TopicPartition(self.topic, partition)
        return LOOP.run(self.consumer.beginning_offsets([where]))[where], LOOP.run(self.consumer.end_offsets([where]))[where]

    def assignment(self):
        return sorted(p.partition for p in self.consumer.assignment())

    def close(self):
        stopped(self.consumer)


class Transactional:
    def __init__(self, cell, transactional_id, milliseconds=60000):
        self.producer = LOOP.run(made(
            AIOKafkaProducer, bootstrap_servers=cell.bootstrap, transactional_id=transactional_id, transaction_timeout_ms=milliseconds, **QUICK))

    def start(self):
        LOOP.run(self.producer.start())

    def begin(self):
        LOOP.run(self.producer.begin_transaction())

    def write(self, topic, records):
        async def send():
            for future in [await self.producer.send(topic, r.value, r.key, partition=r.partition or 0) for r in records]:
                await asyncio.wait_for(future, 30)

        LOOP.run(send())

    def offsets(self, reader, topic, offsets):
        group = reader.consumer._group_id  # noqa: SLF001 - it has no public name
        LOOP.run(self.producer.send_offsets_to_transaction({TopicPartition(topic, p): o for p, o in offsets.items()}, group))

    def commit(self):
        LOOP.run(self.producer.commit_transaction())

    def abort(self):
        LOOP.run(self.producer.abort_transaction())

    @staticmethod
    def fenced(error):
        return isinstance(error, ProducerFenced) or "Fenced" in f"{type(error).__name__} {error}"

    def close(self):
        try:
            LOOP.run(self.producer.stop(), 5)
        except Exception:  # noqa: BLE001 - one that was fenced says so again
            pass


class Aio(Client):
    name = "aiokafka"
    # ensure_coordinator_known does nothing once stop() has begun, and commit_offsets tries again whatever is retriable.
    fragile = {"commit-auto": "asked to stop while its coordinator is away it looks for no other, and tries its last commit for ever"}
    version = aiokafka.__version__
    not_offered = {
        "group-cooperative-sticky": "eager assignors only", "group-uniform": "no KIP-848 consumer", "group-server-range": "no KIP-848 consumer",
        "share-group": "no share consumer", "commit-async": "its commit is awaited",
        **{f"admin-{name}": "not in its admin client" for name in (
            "delete-groups", "alter-offsets", "delete-offsets", "elect-leaders", "reassign", "acls", "scram", "log-dirs", "producers",
            "transactions", "list-offsets", "features", "quorum", "remove-member", "config-resources")},
    }

    def write(self, cell, topic, records, codec="none", acks="all", idempotent=False, middle=None):
        async def send_all(part, producer):
            futures = [
                await producer.send(
                    topic, r.value, r.key, partition=r.partition, timestamp_ms=r.timestamp, headers=list(r.headers) or None)
                for r in part]
            for future in futures:
                await asyncio.wait_for(future, 60)

        producer = LOOP.run(made(
            AIOKafkaProducer, bootstrap_servers=cell.bootstrap, compression_type=None if codec == "none" else codec, linger_ms=10,
            acks={"all": "all", "0": 0, "1": 1}[acks], enable_idempotence=idempotent, **QUICK))
        LOOP.run(producer.start())
        try:
            half = len(records) // 2
            LOOP.run(send_all(records[:half], producer))
            if middle:
                middle()
            LOOP.run(send_all(records[half:], producer))
        finally:
            LOOP.run(producer.stop())

    def read(self, cell, topic, count, offsets=None, isolation="read_committed", seconds=60.0):
        reader = LOOP.run(made(
            AIOKafkaConsumer, bootstrap_servers=cell.bootstrap, group_id=None, auto_offset_reset="earliest", isolation_level=isolation,
            **QUICK))
        end = time.monotonic() + seconds

        async def take():
            return [as_record(m) for batch in (await reader.getmany(timeout_ms=200)).values() for m in batch]

        async def point():
            where = offsets or {p: 0 for p in reader.partitions_for_topic(topic) or ()}
            reader.assign([TopicPartition(topic, p) for p in where])
            for partition, offset in where.items():
                reader.seek(TopicPartition(topic, partition), offset)

        async def known():
            # Without a subscription its metadata has all topics; one that was made a moment ago may come with the next round.
            while not offsets and not reader.partitions_for_topic(topic) and time.monotonic() < end:
                await reader._client.force_metadata_update()  # noqa: SLF001
                await reader.topics()
                reader._client.add_topic(topic)  # noqa: SLF001

        LOOP.run(reader.start())
        try:
            LOOP.run(known())
            LOOP.run(point())
            found = []
            while len(found) < count and time.monotonic() < end:
                found += LOOP.run(take())
            return found[:count]
        finally:
            stopped(reader)

    def consumer(self, cell, topic, **settings):
        return AioReader(cell, topic, **settings)

    def admin(self, cell):
        from .admin_python import AioAdmin

        return AioAdmin(cell)

    def transactional(self, cell, transactional_id, **settings):
        return Transactional(cell, transactional_id, **settings)

    def member(self, group, topic, bootstrap, assignor, instance):
        consumer = LOOP.run(made(
            AIOKafkaConsumer, topic, bootstrap_servers=bootstrap, group_id=group, auto_offset_reset="earliest", auto_commit_interval_ms=300,
            session_timeout_ms=STATIC_MS if instance else SESSION_MS, heartbeat_interval_ms=300, partition_assignment_strategy=(ASSIGNORS[assignor],),
            **({"group_instance_id": instance} if instance else {}), **QUICK))
        LOOP.run(consumer.start())
        try:
            while True:
                for records in LOOP.run(consumer.getmany(timeout_ms=100)).values():
                    for record in records:
                        yield ("read", record.partition, record.offset)
                yield ("owned", sorted(p.partition for p in consumer.assignment()))
        finally:
            stopped(consumer)
