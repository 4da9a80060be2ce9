"""Group members of three client libraries behind one face, for the group_* scripts: a thread each, that polls until it is stopped. What a
member owns and how often it was assigned is written by its own thread only."""

import asyncio
import threading
import time

import aiokafka
from aiokafka.coordinator.assignors.range import RangePartitionAssignor as AioRange
from confluent_kafka import Consumer, Producer, TopicPartition
from confluent_kafka.admin import AdminClient, NewTopic
from kafka import ConsumerRebalanceListener, KafkaConsumer
from kafka.coordinator.assignors.cooperative_sticky import CooperativeStickyAssignor
from kafka.coordinator.assignors.range import RangePartitionAssignor

from harness import BOOTSTRAP, wait_until

SESSION_MS = 6000


class Player(threading.Thread):
    """One member. `owned`: its partitions; `assigned`: how often it was given some; `read`: (partition, offset) of what it got."""

    def __init__(self, group, topic, instance=None, cooperative=False, client_id="player", bootstrap=None):
        super().__init__(daemon=True)
        self.group, self.topic, self.instance, self.cooperative, self.client_id = group, topic, instance, cooperative, client_id
        self.bootstrap = bootstrap or BOOTSTRAP
        self.owned, self.assigned, self.revoked, self.read, self.error, self.stopping = [], 0, 0, [], None, False

    def run(self):
        try:
            self.play()
        except Exception as error:  # noqa: BLE001 - told by the check that looks at it
            self.error = error
        self.owned = []

    def stop(self):
        self.stopping = True
        self.join(20)
        return not self.is_alive()


class Confluent(Player):
    name = "confluent"

    def play(self):
        settings = {
            "bootstrap.servers": self.bootstrap, "group.id": self.group, "client.id": self.client_id, "auto.offset.reset": "earliest",
            "session.timeout.ms": SESSION_MS, "heartbeat.interval.ms": 500, "auto.commit.interval.ms": 300,
            "partition.assignment.strategy": "cooperative-sticky" if self.cooperative else "range"}
        if self.instance:
            settings["group.instance.id"] = self.instance
        consumer = Consumer(settings)

        def on_assign(_, partitions):
            self.assigned += 1

        def on_revoke(_, partitions):
            self.revoked += 1

        consumer.subscribe([self.topic], on_assign=on_assign, on_revoke=on_revoke)
        while not self.stopping:
            message = consumer.poll(0.05)
            if message and not message.error():
                self.read.append((message.partition(), message.offset()))
            self.owned = sorted(p.partition for p in consumer.assignment())
        self.owned = []
        consumer.close()


class KafkaPython(Player):
    name = "kafka-python"

    def play(self):
        assignor = CooperativeStickyAssignor if self.cooperative else RangePartitionAssignor
        settings = {"group_instance_id": self.instance} if self.instance else {}
        consumer = KafkaConsumer(
            bootstrap_servers=self.bootstrap, group_id=self.group, client_id=self.client_id, auto_offset_reset="earliest",
            session_timeout_ms=SESSION_MS, heartbeat_interval_ms=500, auto_commit_interval_ms=300,
            partition_assignment_strategy=[assignor], **settings)
        player = self

        class Listener(ConsumerRebalanceListener):
            def on_partitions_assigned(self, assigned):
                player.assigned += 1

            def on_partitions_revoked(self, revoked):
                player.revoked += 1

        # Known before it joins: a leader that learns of the topic while it assigns may lose the answer to its SyncGroup (3.0.12), and stands
        # still until its session is over.
        consumer.partitions_for_topic(self.topic)
        consumer.subscribe([self.topic], listener=Listener())
        while not self.stopping:
            for records in consumer.poll(timeout_ms=50).values():
                self.read += [(r.partition, r.offset) for r in records]
            self.owned = sorted(p.partition for p in consumer.assignment())
        self.owned = []
        consumer.close()


class Aio(Player):
    name = "aiokafka"

    def play(self):
        asyncio.run(self.loop())

    async def loop(self):
        player = self

        class Listener(aiokafka.ConsumerRebalanceListener):
            async def on_partitions_assigned(self, assigned):
                player.assigned += 1

            async def on_partitions_revoked(self, revoked):
                player.revoked += 1

        settings = {"group_instance_id": self.instance} if self.instance else {}
        consumer = aiokafka.AIOKafkaConsumer(
            bootstrap_servers=self.bootstrap, group_id=self.group, client_id=self.client_id, auto_offset_reset="earliest",
            session_timeout_ms=SESSION_MS, heartbeat_interval_ms=500, auto_commit_interval_ms=300,
            partition_assignment_strategy=(AioRange,), **settings)
        consumer.subscribe([self.topic], listener=Listener())
        await consumer.start()
        while not self.stopping:
            for records in (await consumer.getmany(timeout_ms=50)).values():
                self.read += [(r.partition, r.offset) for r in records]
            self.owned = sorted(p.partition for p in consumer.assignment())
        self.owned = []
        await consumer.stop()


def make_topic(name, partitions=6, records=0, bootstrap=None):
    """A topic with `records` records spread over its partitions."""
    bootstrap = bootstrap or BOOTSTRAP
    admin = AdminClient({"bootstrap.servers": bootstrap})
    admin.create_topics([NewTopic(name, partitions, 1)])[name].result(15)
    producer = Producer({"bootstrap.servers": bootstrap})
    for index in range(records):
        producer.produce(name, b"%d" % index, partition=index % partitions)
    producer.flush(15)


def shared(players, partitions=6, seconds=30):
    """Whether the players come to own every partition once, all of them some."""
    def whole():
        return sorted(sum((p.owned for p in players), [])) == list(range(partitions)) and all(p.owned for p in players)

    return wait_until(whole, seconds)


def settle(players, quiet=1.5, seconds=20):
    """Waits until nobody has been assigned anything for a while: a leader may rejoin once more for metadata it has just got."""
    end = time.monotonic() + seconds
    seen, since = None, time.monotonic()
    while time.monotonic() < end and time.monotonic() - since < quiet:
        now = [p.assigned for p in players]
        if now != seen:
            seen, since = now, time.monotonic()
        time.sleep(0.05)


def told(players):
    return [(p.name, p.owned, p.assigned, p.error) for p in players]


def describe(group, bootstrap=None):
    """State name, and (client id, instance id, host) of each member."""
    admin = AdminClient({"bootstrap.servers": bootstrap or BOOTSTRAP})
    found = admin.describe_consumer_groups([group])[group].result(15)
    return found.state.name, sorted((m.client_id, m.group_instance_id, m.host) for m in found.members)


def committed(group, topic, partitions=6, bootstrap=None):
    """The committed offsets, as a consumer outside the group's life asks for them."""
    reader = Consumer({"bootstrap.servers": bootstrap or BOOTSTRAP, "group.id": group})
    found = reader.committed([TopicPartition(topic, p) for p in range(partitions)], 15)
    reader.close()
    return [p.offset for p in found]


def pause(seconds):
    """Where something must NOT happen, there is nothing to wait for but time."""
    time.sleep(seconds)
